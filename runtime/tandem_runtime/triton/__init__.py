"""The torch engine inside a Triton server, and the actuator beside it.

Three processes of one pod:

- `serve` writes the model repository, starts Triton, and ends it when the engine's process is gone,
  which Triton itself would not tell anybody.
- `model` is what Triton's Python backend loads: requests become those of the torch engine, answers
  stream back (a decoupled model), pages become Triton's metrics (`metrics_mirror`).
- `actuator` reads the table file and hands each table to the model by a control request, which only
  the pod's own containers can make; it reads back what is in force, and puts the last good table
  back where that is not what was sent.

`control` is what both ends of a control request agree on.
"""
