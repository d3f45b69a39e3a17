"""TensorRT-LLM: what starts it with the K of the table, by itself or inside Triton.

- `start` is the command of `main`: it verifies the locked files, reads the table, writes the
  configuration that TensorRT-LLM loads, and becomes `trtllm-serve` or stands over Triton.
- `depths` makes of a table what TensorRT-LLM takes: its deepest K, and a schedule by batch size.
- `repository` is the model repository: the image's own model for the LLM API, and ours around it.
- `triton_model` is what Triton loads: that model, with its counters on Triton's page.

TensorRT-LLM takes K when it starts and never again, so a table is in force in the pods that started
after it.
"""
