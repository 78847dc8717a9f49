"""Query with DuckDB: python examples/consume/with_duckdb.py [FOLDER or ORG/NAME]"""

import os
import sys

import duckdb
from huggingface_hub import HfFileSystem

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

db = duckdb.connect()
root = place if os.path.isdir(place) else f"hf://datasets/{place}"  # …/NAME@v0.1.0 names a version
if root.startswith("hf://"):
    db.register_filesystem(HfFileSystem())

found = db.sql(f"""
    SELECT task_id, count(*) AS trajectories, sum(num_steps) AS steps, count(*) FILTER (success) AS solved
    FROM read_parquet('{root}/trajectories/*.parquet') GROUP BY task_id ORDER BY task_id
""")
for task, trajectories, steps, solved in found.fetchall():
    print(f"{task}: {solved} of {trajectories} trajectories succeeded, {steps} steps")

# DuckDB's own client (extension httpfs) needs no fsspec, but always talks to huggingface.co (not run here):
#     SELECT * FROM 'hf://datasets/ORG/NAME/trajectories/*.parquet'
