"""The human annotator: proposals go out as predictions, what people saved comes back as annotations.

A *project* is a review view and the layers that are reviewed in it. Its config is rendered from the layers (`config`);
a *task* of it is one stretch of a trajectory on one surface; `codec` turns rows of the layers into results of Label
Studio and back, and this is the only place that knows of 1-based frames and percents. `sync` pushes and pulls over the
`client`, `ledger` remembers what was pushed and everything that people saved, `rounds` decides what is asked next.
"""
