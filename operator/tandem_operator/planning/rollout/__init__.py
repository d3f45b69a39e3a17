"""What the pods of one locked pair run: with the draft, without it, or made again.

The lock is the same in every form. `state` is what is remembered, `decide` the rules, `variant` a
rendered form beside the locked revision, `canary` the one pod that tries the draft first, `form`
what a plan makes of all that.
"""
