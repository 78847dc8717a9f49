"""Publishing: a release appears on the Hub whole, in one commit, or not at all."""
