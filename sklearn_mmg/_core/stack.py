"""Networks of one shape that are trained side by side."""

import copy
from collections.abc import Iterable, Sequence
from typing import Generic

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from sklearn_mmg._core.network import AnyModule
from sklearn_mmg._core.training import TensorRows


class Stack(nn.Module, Generic[AnyModule]):
    """Modules of one architecture as one, each with its own rows.

    Their parameters lie along a leading axis, so that every layer is one batched product: on a GPU
    they take no longer than one of them. They do not interact.

    Parameters
    ----------
    members : list of nn.Module
        With parameters drawn; only buffers and parameters may differ.
    """

    def __init__(self, members: Sequence[AnyModule]) -> None:
        super().__init__()
        parameters, buffers = stack_module_state(list(members))
        # A dot is no part of a name that torch registers.
        self.names = {name.replace(".", "-"): name for name in (*parameters, *buffers)}
        for name, values in parameters.items():
            self.register_parameter(name.replace(".", "-"), nn.Parameter(values.detach()))
        for name, values in buffers.items():
            self.register_buffer(name.replace(".", "-"), values)
        # In a tuple it is no submodule: its own parameters are never used.
        self.skeleton = (copy.deepcopy(members[0]).to("meta"),)
        self.n_members = len(members)

    def _state(self, named: Iterable[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        return {self.names[name]: values for name, values in named}

    def forward(self, **rows: torch.Tensor) -> torch.Tensor:
        """Loss per member and row, of tensors with the members along their first axis."""

        def loss(
            parameters: dict[str, torch.Tensor],
            buffers: dict[str, torch.Tensor],
            rows: dict[str, torch.Tensor],
        ) -> torch.Tensor:
            return functional_call(self.skeleton[0], (parameters, buffers), kwargs=rows)

        parameters = self._state(self.named_parameters())
        buffers = self._state(self.named_buffers())
        return vmap(loss, in_dims=(0, 0, 0))(parameters, buffers, rows)

    def member(self, index: int) -> AnyModule:
        """A module of its own with the parameters of one member."""
        named = (*self.named_parameters(), *self.named_buffers())
        module = copy.deepcopy(self.skeleton[0]).to_empty(device=named[0][1].device)
        state = {name: values[index].detach() for name, values in self._state(named).items()}
        module.load_state_dict(state)
        return module


class StackedRows(TensorRows):
    """Rows of several members, which may have different numbers of them.

    Parameters
    ----------
    blocks : list of dict of str to tensor
        For every member its tensors of rows.
    """

    def __init__(self, blocks: Sequence[dict[str, torch.Tensor]]) -> None:
        sizes = [len(next(iter(block.values()))) for block in blocks]
        self.n_rows = max(sizes)
        padded = {
            name: torch.stack(
                [
                    nn.functional.pad(block[name], (0, 0, 0, self.n_rows - size))
                    for block, size in zip(blocks, sizes, strict=True)
                ]
            )
            for name in blocks[0]
        }
        super().__init__(**padded)
        device = next(iter(padded.values())).device
        self.sizes = torch.tensor(sizes, device=device)[:, None]
        self.members = torch.arange(len(blocks), device=device)[:, None]

    def __len__(self) -> int:
        return self.n_rows

    def draw(self, n: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """`n` rows of every member, drawn with replacement."""
        options = {"generator": generator, "device": generator.device}
        position = torch.rand(len(self.sizes), n, **options)
        # A product in single precision may round up to the number of rows.
        index = torch.minimum((position * self.sizes).long(), self.sizes - 1)
        return {name: tensor[self.members, index] for name, tensor in self.tensors.items()}
