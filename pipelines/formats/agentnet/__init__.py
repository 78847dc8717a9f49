"""AgentNetTool recordings."""
