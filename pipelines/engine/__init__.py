"""How a job runs: its shape, the Beam chain, the watched process around it, the child that decodes."""
