"""Pushing proposals to Label Studio and pulling back what people saved, so that nothing is lost and nothing is doubled.

Label Studio takes the same task twice without a word, and a request whose answer was lost may still arrive. So every task
carries a uid and a version of its own in its data, what is about to be sent is first written to the ledger, nothing is
sent again before a look, and what arrived twice all the same is removed as long as no person has touched it.

`patience` says how long to wait and look, `outgoing` what a task becomes, `projects` makes the project, `standing` reads
what stands there and removes copies, `push` and `pull` do the two ways, `annotate` saves as a person does.
"""

from .annotations import annotate
from .outgoing import Outgoing, Prediction, ProjectSpec
from .patience import Patience
from .pull import PullReport, pull
from .push import PushReport, push

__all__ = ["Outgoing", "Patience", "Prediction", "ProjectSpec", "PullReport", "PushReport", "annotate", "pull", "push"]
