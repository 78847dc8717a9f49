"""The columns of the views: tables derived at release for one kind of consumer.

A layer adds its own column to a view by its declaration (`Layer.columns`); those come last, in order of layer.
"""

from __future__ import annotations

from dataclasses import dataclass

from .layers import Layer, ViewColumn, layers
from .types import Column, parse_columns


@dataclass(frozen=True, slots=True)
class View:
    """A derived table: its `name`, the `domain` it is made from, what it is for, and its own columns."""

    name: str
    domain: str
    doc: str
    own: tuple[Column, ...]

    @property
    def layer_columns(self) -> tuple[tuple[Layer, ViewColumn], ...]:
        """The layers that become columns here, in order of layer."""
        return tuple((layer, column) for layer in layers().values() for column in layer.columns if column.view == self.name)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Own columns, then one per layer."""
        return (*self.own, *(view_column.column for _, view_column in self.layer_columns))


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "robot_labels",
            "robot",
            "one row per row of robot_steps, in the same order: concatenate_datasets([steps, labels], axis=1) is the join",
            (),
        ),
        View(
            "robot_trajectories",
            "robot",
            "one row per episode, for action chunks and fast streaming",
            parse_columns("""
trajectory_id   string              which trajectory
task_id         string              what was asked, as an id of `tasks`
instruction     string              what was asked, in words
success         bool                outcome
fps             float64             steps per second
num_steps       int32               length of the lists below
timestamps      list<float64>       seconds from the first step
states          list<list<float32>> num_steps x dimensions of `state`
actions         list<list<float32>> num_steps x dimensions of `action`
"""),
        ),
        View(
            "arc_transitions",
            "arc",
            "state, operation, selection, next state, reward, done: for imitation and reinforcement learning",
            parse_columns("""
trajectory_id   string              which trajectory
step            int32               step of `arc_steps`
task_id         string              the ARC task
test_index      int32               which test input of the task
state           Grid                what the person saw when choosing
operation       string              the action in Cairn's vocabulary
arguments       Json                its arguments, named
selection       list<list<int16>>   [row, column] of each selected cell
next_state      Grid                what the person saw after it
reward          float32             1 where this step submitted a right answer, else 0
done            bool                last transition of the trajectory
arcle_operation int32               id of the operation in ARCLE, by name; null: it cannot express it (schemas.arc_simulators)
jaxarc_operation int32              id of the operation in JaxARC, by name; null: it cannot express it (schemas.arc_simulators)
"""),
        ),
        View(
            "arc_sequences",
            "arc",
            "one row per trace, its transitions as lists: for Decision Transformers and other sequence models",
            parse_columns("""
trajectory_id   string              which trajectory
task_id         string              the ARC task
success         bool                outcome
num_transitions int32               length of the lists below
steps           list<int32>         step of `arc_steps` of each: the timesteps
test_indices    list<int32>         which test input of the task
states          list<Grid>          what the person saw when choosing
operations      list<string>        the action in Cairn's vocabulary
rewards         list<float32>       as in `arc_transitions`
returns_to_go   list<float32>       sum of the rewards from this transition on
"""),
        ),
        View(
            "arc_preferences",
            "arc",
            "pairs of actions from one state, the better one first, by what became of those who took them: for DPO and reward models",
            parse_columns("""
trajectory_id   string              a trajectory that was in this state
step            int32               step of `arc_steps` that it went on by
task_id         string              the ARC task
test_index      int32               which test input of the task
state           Grid                what the person saw when choosing
chosen          string              the better operation, in Cairn's vocabulary
rejected        string              the worse one
chosen_action   Json                its region, and `trajectory_id` and `step` of who did it: a row of `arc_transitions`
rejected_action Json                the same of the worse one
chosen_value    float32             share of right answers among those who took it
rejected_value  float32             the same of the worse one
chosen_n        int32               how many took it
rejected_n      int32               how many took the worse one
margin          float32             chosen_value - rejected_value
"""),
        ),
        View(
            "arc_language",
            "arc",
            "what people wrote about a trace, or about some steps of it, with the grids before and after: for language and grids",
            parse_columns("""
trajectory_id   string              which trajectory
start           int32               first step that the text is about; null: the whole trace
end             int32               step after the last
task_id         string              the ARC task
test_index      int32               which test input of the task
layer           string              the layer of the text
channel         string              what kind of text, where the layer says
text            string              what was written
state           Grid                what was seen before the first of the steps
next_state      Grid                what was seen after the last of them
operations      list<string>        what was done between the two, in Cairn's vocabulary
producer_type   string              human; import: the source's own people
annotation_id   string              the annotation that holds the text
"""),
        ),
        View(
            "gui_grounding",
            "gui",
            "screenshot, instruction, action and the 4 actions before it: for grounding and next-action models",
            parse_columns("""
trajectory_id   string              which trajectory
step            int32               step of `gui_steps`
screenshot      Image               what was visible before the action
instruction     string              what was asked
action_name     string              the action
action          string              the action as JSON text: name, point, text, keys, scroll
point           list<float32>       x, y in frame pixels
frame_width     int32               pixels of the frame that point and box refer to
frame_height    int32               pixels of the frame that point and box refer to
scale           float32             screenshot pixels per frame pixel
previous_actions list<string>       up to 4 actions before, oldest first, as JSON text
"""),
        ),
    )
}
