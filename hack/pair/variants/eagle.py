"""Makes an EAGLE head for the tiny target by least squares, in seconds and without training.

Engine tests need a head whose drafts are accepted often enough to count, no more. Its first layer
maps (embedding of a token, hidden state before it) linearly to the hidden state after it; its one
block is random and small, so that drafts depend on its KV cache without being spoilt by it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from hack.vllm.environment import cache_folder

PROMPT_TOKENS = 40
NEW_TOKENS = 64
PROMPTS = 32
"""Of each kind. With the figures above 6,656 positions, for a map from 512 values to 256."""
_RIDGE = 1e-3
_BLOCK_SCALE = 0.02
_MARK = "head.json"


def location(target: Path, prompts: Path) -> Path:
    """The cache's folder for the head of this target, made or not."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in (target / "config.json", target / "model.safetensors", *sorted(prompts.iterdir())):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return cache_folder() / "pair" / f"eagle-{digest.hexdigest()[:16]}"


def find(target: Path, prompts: Path) -> Path | None:
    """The finished head, or None when nobody has made it yet."""
    folder = location(target, prompts)
    return folder if (folder / _MARK).exists() else None


def make(target: Path, prompts: Path) -> Path:
    """The head's folder, made first if need be; needs torch and transformers."""
    folder = location(target, prompts)
    if (folder / _MARK).exists():
        return folder
    from safetensors.torch import save_file

    model, inputs, wanted = _observe(target, prompts)
    fc, agreement = _fit(model, inputs, wanted)
    config = json.loads((target / "config.json").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        "embed_tokens.weight": model.model.embed_tokens.weight.detach().clone(),
        "fc.weight": fc,
        **_block(config),
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}, indent=2))
    (folder / _MARK).write_text(json.dumps({"agreement": round(agreement, 3)}))
    return folder


def _observe(target: Path, prompts: Path) -> tuple[Any, Any, Any]:
    """The target, and what goes into and comes out of the map on the target's own greedy text."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(target)
    rows = []
    for file in sorted(prompts.glob("*.jsonl")):
        for line in file.read_text().splitlines()[:PROMPTS]:
            ids = tokenizer(json.loads(line)["prompt"]).input_ids
            if len(ids) >= PROMPT_TOKENS:
                rows.append(ids[:PROMPT_TOKENS])
    with torch.no_grad():
        start = torch.tensor(rows)
        ids = model.generate(
            start, attention_mask=torch.ones_like(start), do_sample=False, pad_token_id=0,
            max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS,
        )  # fmt: skip
        hidden = model.model(ids).last_hidden_state
        embedded = model.model.embed_tokens(ids)
    inputs = torch.cat([embedded[:, 1:], hidden[:, :-1]], dim=2).flatten(0, 1)
    return model, inputs, hidden[:, 1:].flatten(0, 1)


def _fit(model: Any, inputs: Any, wanted: Any) -> tuple[Any, float]:
    """Ridge regression in float64; and how often the map names the target's next token."""
    import torch

    x, y = inputs.double(), wanted.double()
    ridge = _RIDGE * len(x) * x.pow(2).mean() * torch.eye(x.shape[1], dtype=x.dtype)
    fc = torch.linalg.solve(x.T @ x + ridge, x.T @ y).T.float().contiguous()
    head = model.lm_head.weight
    with torch.no_grad():
        same = ((inputs @ fc.T) @ head.T).argmax(1) == (wanted @ head.T).argmax(1)
    return fc, float(same.float().mean())


def _block(config: dict[str, Any]) -> dict[str, Any]:
    """A random transformer block under the names of a Llama EAGLE head, which has one."""
    import torch

    size, inner = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    shapes = {
        "self_attn.q_proj": (queries, size),
        "self_attn.k_proj": (keys, size),
        "self_attn.v_proj": (keys, size),
        "self_attn.o_proj": (size, queries),
        "mlp.gate_proj": (inner, size),
        "mlp.up_proj": (inner, size),
        "mlp.down_proj": (size, inner),
    }
    source = torch.Generator().manual_seed(0)
    block = {
        f"layers.0.{name}.weight": _BLOCK_SCALE * torch.randn(*shape, generator=source)
        for name, shape in shapes.items()
    }
    return block | {"layers.0.post_attention_layernorm.weight": torch.ones(size)}
