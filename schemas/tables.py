"""The tables: every column of the contract, with its type and what it holds.

`TABLES` are the facts (trajectories, steps, media, tasks, rejects, runs), `KINDS` the 13 payloads of annotations, each
behind the `ENVELOPE` that says who made a row and who confirmed it. `HISTORY` keeps every state of every row.

Units: seconds, metres, radians; quaternions x y z w; pixels with the origin top left, x right, y down; ARC cells
[row, column]; steps and frames from 0, intervals half-open. Null means not recorded or not annotated.
"""

from __future__ import annotations

from .types import Column, parse_columns

STEP = """
trajectory_id   string              which trajectory
step            int32               0-based, without gaps
timestamp       float64             seconds from the trajectory's first step, as recorded; null where the source has none
action_kind     string              control, grid_op, gui, tool_call, speak, memory, system; null on a last observing step
action_name     string              the action in Cairn's vocabulary of its domain
action_args     Json                its arguments, named
source_action   Json                what the source itself wrote, untouched
"""

_TRAJECTORIES = """
trajectory_id   string              `<source name>/<native id>`, stable
domain          string              robot, arc, gui, agent
source_name     string              the source's name in the recipe
source_uri      string              where it was read, relative to the source; no private paths
source_revision string              revision or commit of the source, where it has one
native_id       string              the source's own name for it
license         string              the licence of the source
input_sha256    string              over the bytes read: of the file, or of the lines `sha256  name` where there are several
task_id         string              what was asked, as an id of `tasks`
instruction     string              what was asked, in words
agent           string              pseudonym of who acted
agent_type      string              human, model, script
embodiment      string              robot or device
success         bool                outcome
score           float64             outcome as the source's number
success_by      string              who decided: source, oracle:<name>, human
num_steps       int32               rows in the step table
duration        float64             seconds: last timestamp + last interval; null without timestamps
fps             float64             steps per second; null when irregular
started_at      timestamp[us,UTC]   wall clock of the first step; null when the source does not say
state_names     list<string>        names of the dimensions of `state`
action_names    list<string>        names of the dimensions of `action`
action_space    string              absolute or delta, joint or end-effector, frame, units
reference_frame string              base, world, or null when the source does not say
attempt         int32               which try of this agent at this task, from 0, by started_at
scene           string              place or app
group           string              what no split may part (views of one recording)
streams         list<Stream>        cameras and screens
completeness    Json                what is missing and why
extras          Json                the rest of what the source said
"""

_ROBOT_STEPS = f"""{STEP}
state           list<float32>       proprioception, in `trajectories.state_names`
action          list<float32>       command, in `trajectories.action_names`
eef_pose        list<float32>       x y z qx qy qz qw, metres, in `trajectories.reference_frame`
gripper         float32             0 closed, 1 open
frames          list<int32>         frame per stream in the order of `trajectories.streams`; null = no frame
camera_poses    list<list<float64>> 16 numbers per stream for moving cameras, camera to `reference_frame`
reward          float32             as recorded
is_first        bool                first step of the episode
is_last         bool                last step of the episode
is_terminal     bool                the episode ended here by its own rule
"""

_VIDEOS = """
trajectory_id   string              which trajectory
stream          string              camera or screen
part            int32               0-based; parts are cut at key frames
start_time      float64             seconds of the first frame, container clock
end_time        float64             seconds after the last frame, container clock
video           Video               the part as mp4
frame_timestamps list<float64>      seconds of each frame, container clock
codec           string              codec of the video stream
fps             float64             average frames per second
width           int32               pixels
height          int32               pixels
num_frames      int32               frames in this part
sha256          string              of the part's bytes
reencoded       bool                false: packets are the source's own
"""

_IMAGES = """
trajectory_id   string              which trajectory
stream          string              camera or screen
frame           int32               0-based in the stream
timestamp       float64             seconds from the trajectory's first step
image           Image               the source's own JPEG or PNG; raw arrays as PNG, depth as 16-bit PNG
format          string              jpeg, png
width           int32               pixels
height          int32               pixels
sha256          string              of the image's bytes
"""

_ARC_STEPS = f"""{STEP}
task_id         string              the ARC task
test_index      int32               which test input of the task
grid_before     Grid                what the person saw when choosing the action
grid_after      Grid                what the person saw after it
grids_between   list<Grid>          frames that one action showed before the last
selection       list<list<int16>>   [row, column] of each selected cell
background      Grid                the layer under the selection, where the source has layers
floating        list<list<int16>>   [row, column, colour] of the floating layer
"""

_GUI_STEPS = f"""{STEP}
screenshot      Image               what was visible before the action
screenshot_taken string             before, after-shifted, video
screenshot_missing string           why there is none
frame_width     int32               pixels of the frame that points refer to
frame_height    int32               pixels of the frame that points refer to
scale           float32             screenshot pixels per frame pixel
point           list<float32>       x, y in frame pixels
end_point       list<float32>       x, y where a drag ended, frame pixels
scroll          list<float32>       dx, dy in the source's units; positive y = content moves up, as a wheel turned down
text            string              text that was typed
keys            list<string>        keys that were pressed together
app             string              application in front
window          string              window title
url             string              page address
tool_result     Json                result of a tool call
end_timestamp   float64             seconds when the action ended
"""

_GUI_TREES = """
trajectory_id   string              which trajectory
step            int32               what was there before this step's action
format          string              dom, accessibility, uiautomator
tree            Document            JSON (or XML) text of the tree
"""

_TASKS = """
task_id         string              id
domain          string              robot, arc, gui, agent
collection      string              the set it belongs to
instruction     string              what is asked, in words
demonstrations  list<Pair>          ARC demonstration pairs
tests           list<Pair>          ARC tests; an unknown output is null
extras          Json                the rest of what the source said
"""

_ACTION_SPECS = """
space           string              action space
name            string              action
version         string              version of the specification
json_schema     Json                schema of its arguments
doc             string              what it does
"""

_REJECTS = """
stage           string              plan, read, check, propose, release
source_name     string              the source's name in the recipe
source_uri      string              the place, relative to the source
native_id       string              the source's own name for it
code            string              stable code
message         string              what is wrong, where, and what would be right
detail          Json                values behind the message
"""

_RUNS = """
run             string              digest of producer, version, parameters and files
producer_type   string              signal, model, human, oracle, import
producer        string              who made the annotations
producer_version string             its version
parameters      Json                its parameters
inputs          list<string>        sha256 of the files it read besides the trajectory
"""

_ARC_STATES = """
trajectory_id   string              which trajectory
step            int32               step of `arc_steps`
test_index      int32               which test input of the task
operation       string              the action in Cairn's vocabulary
before          string              id of the grid before it
after           string              id of the grid after it
region          list<int32>         top, left, bottom, right (half-open) of the cells it worked on
correct         bool                of a submission: how its source judged it
"""

_MEDIA = """
sha256          string              of the bytes
file            string              media file in the workspace, relative to the job's folder
offset          int64               first byte in it
length          int64               bytes
suffix          string              .png, .jpeg, .mp4, …
"""

TABLES: dict[str, tuple[Column, ...]] = {
    "trajectories": parse_columns(_TRAJECTORIES),
    "robot_steps": parse_columns(_ROBOT_STEPS),
    "arc_steps": parse_columns(_ARC_STEPS),
    "gui_steps": parse_columns(_GUI_STEPS),
    "videos": parse_columns(_VIDEOS),
    "images": parse_columns(_IMAGES),
    "gui_trees": parse_columns(_GUI_TREES),
    "tasks": parse_columns(_TASKS),
    "action_specs": parse_columns(_ACTION_SPECS),
    "rejects": parse_columns(_REJECTS),
    "runs": parse_columns(_RUNS),
}

STEP_TABLES: dict[str, str] = {"robot": "robot_steps", "arc": "arc_steps", "gui": "gui_steps"}
"""Domain → the table that holds its steps."""

MEDIA_INDEX = parse_columns(_MEDIA)
"""Where a shard's media lie; exists in workspaces only."""

STATE_INDEX = parse_columns(_ARC_STATES)
"""The grids of `arc_steps` as ids, for what is said over all trajectories of a task; exists in workspaces only."""

ENVELOPE = parse_columns("""
annotation_id   string              UUIDv5 over what the row says and who says it
trajectory_id   string              null only for annotations about a task
layer           string              the layer
task_id         string              for annotators of task scope
level           string              trajectory, prefix, span, step, frame, char, candidate
start           int32               first step; null where the level has no time
end             int32               step after the last
start_time      float64             timestamp of `start`, derived at release
end_time        float64             timestamp of `end`; duration where that is after the last step
stream          string              camera or screen
target          string              the annotation or candidate it is about
producer_type   string              signal, model, human, oracle, import
producer        string              who made it
producer_version string             its version
run             string              id in `runs`
status          string              proposed, accepted, corrected, rejected
quality         string              primary (a person or an oracle confirmed it), secondary (nobody did), null
confidence      float32             0 to 1
supersedes      string              the row that this one replaces
annotator       string              pseudonym
submission      string              pseudonym; seconds count once per submission
seconds         float32             human time of the submission, capped
created_at      timestamp[us,UTC]   when a person submitted; null for machines
""")

KINDS: dict[str, tuple[Column, ...]] = {
    "segments": parse_columns("""
label           string              a word of the layer's vocabulary
text            string              free text
depth           int32               0 = top of a hierarchy
parent          string              annotation_id of the enclosing segment
char_start      int32               offset into the step's text
char_end        int32               offset after the last character
attributes      Json                further properties
"""),
    "texts": parse_columns("""
channel         string              what kind of text
steps           list<int32>         the step of each text
texts           list<string>        one text per entry of `steps`
"""),
    "scalars": parse_columns("""
steps           list<int32>         the step of each value
values          list<float32>       one value per entry of `steps`
n               list<int32>         samples behind each value
std             list<float32>       their standard deviation
unit            string              unit of the values
estimator       string              how they were computed
"""),
    "codes": parse_columns("""
steps           list<int32>         the step of each code
codes           list<list<int32>>   indices into the codebook
vectors         list<list<float32>> the continuous latents
codebook        string              name of the codebook
codebook_size   int32               entries in it
"""),
    "regions": parse_columns("""
shape           string              point, box, polygon, mask, cells
label           string              a word of the layer's vocabulary
role            string              what the region is to the step
track           string              name of the track
frames          list<int32>         frame (or step, for screenshots) of each entry below
points          list<list<float32>> x, y pairs, pixels
boxes           list<list<float32>> x_min, y_min, x_max, y_max, pixels
masks           list<Mask>          run-length encoded, COCO
cells           list<list<int32>>   [row, column] of ARC cells
visible         list<bool>          whether it can be seen
interpolated    list<bool>          false where a person or detector set it
frame_width     int32               pixels of the frame that coordinates refer to
frame_height    int32               pixels of the frame that coordinates refer to
element_path    string              path of the node in the tree
attributes      Json                further properties
"""),
    "traces": parse_columns("""
space           string              pixel, metric, joint
reference       string              frame of reference
label           string              what is traced
steps           list<int32>         the step of each point
points          list<list<float32>> coordinates
rotations       list<list<float32>> x y z w
gripper         list<float32>       0 closed, 1 open
valid           list<bool>          whether the point is known
horizon         int32               steps looked ahead
frame_width     int32               pixels
frame_height    int32               pixels
"""),
    "fields": parse_columns("""
uri             string              where the array lies
sha256          string              of its bytes
dtype           string              element type
encoding        string              file format
shape           list<int64>         shape
steps           list<int32>         the steps it covers
"""),
    "links": parse_columns("""
source          string              annotation_id
destination     string              annotation_id
source_step     int32               step
destination_step int32              step
relation        string              what joins them
critical        bool                whether the outcome depends on it
evidence        string              why
"""),
    "checks": parse_columns("""
name            string              the check
function        string              the function that evaluates it
args            Json                its arguments
expected        string              what should be
required        bool                whether success depends on it
position        int32               order among the checks
evaluator       string              who evaluated
steps           list<int32>         the step of each outcome
outcomes        list<string>        a word of the layer's vocabulary per entry of `steps`
observed        list<string>        what was found
"""),
    "verdicts": parse_columns("""
rubric          string              what was judged
value           string              the judgement
score           float32             as a number
scale_min       float32             lowest score
scale_max       float32             highest score
rationale       string              why
"""),
    "choices": parse_columns("""
context         Json                what was chosen from
candidates      list<Candidate>     the candidates; action is JSON text
"""),
    "nodes": parse_columns("""
node            string              name of the node
parent          string              its parent
depth           int32               0 = root
step            int32               step it stands for
state           Json                state
action          Json                action that led here
visits          int32               how often
value           float32             estimate
reward          float32             reward
terminal        bool                whether it ends here
"""),
    "alternatives": parse_columns("""
space           string              action space
action_kind     string              as in the step tables
action_name     string              as in the step tables
action_args     Json                arguments
text            string              in words
region          string              annotation_id of its region
replayed        bool                whether it was tried
"""),
}

SERIES: dict[str, tuple[str, ...]] = {
    "texts": ("steps", "texts"),
    "scalars": ("steps", "values", "n", "std"),
    "codes": ("steps", "codes", "vectors"),
    "checks": ("steps", "outcomes", "observed"),
}
"""Kinds whose row may hold a value per step: the list columns that run in parallel."""

HISTORY: tuple[Column, ...] = (
    *ENVELOPE,
    *parse_columns("""
kind            string              which table the row belongs to
payload         Json                its payload
"""),
)
