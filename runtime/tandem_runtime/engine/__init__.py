"""The torch engine: small, exact to the token, for CPUs and as the reference of correctness.

The life of a step (`engine.Engine.step`):

1. `scheduler` takes the requests that decode, chunks of prompts within the token budget, and
   admits waiting requests while there are blocks.
2. `depth` looks K up for that many decoding requests, by the same code as every other engine.
3. A `drafters.Drafter` proposes up to K tokens for each; at K = 0 it does not run at all.
4. `batch` lays the new tokens of all requests end to end, without padding.
5. `model` runs the target over them once; `kv_cache` holds keys and values in blocks.
6. `verification` accepts a prefix of each draft and adds one token of the target's own.
7. What was rejected is rolled back: a request's count of computed tokens goes back, no more.
8. Finished and cancelled requests give their blocks back at once.

Nothing here knows HTTP; `server` does. Only this package needs torch.
"""
