"""Orders to the model by Triton's gRPC, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.table import TableError
from tandem_runtime.triton import control
from tandem_runtime.triton.applying import ChannelError
from tandem_runtime.triton.control import Applied, Order

LIMIT_S = 5.0
_RECONNECT_MS = 500
"""gRPC's own pauses grow to two minutes, for which a Triton that came back would have no table."""


class TritonChannel:
    """A `Channel` to one model of the Triton at `address` (host:port)."""

    def __init__(self, address: str, model: str, folder: Path) -> None:
        """`folder` is where `serve` leaves the key."""
        self._client = InferenceServerClient(
            address, channel_args=[("grpc.max_reconnect_backoff_ms", _RECONNECT_MS)]
        )
        self._model = model
        self._folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def order(self, order: Order) -> Applied:
        """What is in force after the order. Raises ChannelError."""
        try:
            text = control.render_order(order, control.read_key(self._folder))
            return control.parse_applied(await asyncio.wait_for(self._asked(text), LIMIT_S))
        except TimeoutError as error:
            raise ChannelError(f"no answer in {LIMIT_S:.0f} s") from error
        except grpc.aio.AioRpcError as error:
            raise ChannelError(f"{error.code().name}: {error.details()}") from error
        except (InferenceServerException, ContractError, TableError, OSError) as error:
            raise ChannelError(str(error)) from error

    async def _asked(self, text: str) -> str:
        # The model is decoupled, and Triton serves such by streams alone.
        tensor = InferInput(control.INPUT, [1], "BYTES")
        tensor.set_data_from_numpy(np.array([text.encode()], dtype=np.object_))

        async def requests() -> AsyncIterator[dict[str, Any]]:
            yield {"model_name": self._model, "inputs": [tensor]}

        answers = self._client.stream_infer(requests())
        async for result, error in answers:
            if error is not None:
                raise error
            values = result.as_numpy(control.OUTPUT)
            if values is not None:
                return str(values[0].decode())
        raise ContractError(f"the model gave no {control.OUTPUT}")
