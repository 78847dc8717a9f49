"""Review in a workspace: what is asked, on which pictures, and what came of it."""
