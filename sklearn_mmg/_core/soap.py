"""SOAP: Adam in the eigenbasis of Shampoo's two factors (Vyas et al. 2024)."""

from collections.abc import Callable, Iterable

import torch


class SOAP(torch.optim.Optimizer):
    """Adam in a slowly turning basis that makes the gradient of every matrix uncorrelated.

    A matrix with gradients ``G`` gets the eigenvectors of moving averages of ``G G'`` and
    ``G' G``; Adam's second moment is kept in them. Parameters with three axes are stacks of
    independent matrices, such as those of several networks side by side, and matrices of one shape
    go through batched products, which published implementations have no notion of. Everything else
    is left to Adam.

    Parameters
    ----------
    params : iterable of Parameter
    lr : float, default=1e-2
    betas : tuple of float, default=(0.95, 0.95)
        Decay of the first moment, and of the second one and both factors.
    weight_decay : float, default=0.2
        Decoupled, in units of the learning rate; of matrices only.
    every : int, default=10
        Steps between two turns of the basis, by one power iteration.
    eps : float, default=1e-8

    References
    ----------
    .. [1] Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", 2024, algorithm 3.
    """

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.95, 0.95),
        weight_decay: float = 0.2,
        every: int = 10,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr})
        self.betas, self.weight_decay, self.every, self.eps = betas, weight_decay, every, eps
        self.n_steps = 0
        self.stacks: dict[tuple[int, int], list[torch.nn.Parameter]] = {}
        vectors = []
        for parameter in self.param_groups[0]["params"]:
            if parameter.ndim in (2, 3) and min(parameter.shape[-2:]) > 1:
                shape = parameter.shape[-2], parameter.shape[-1]
                self.stacks.setdefault(shape, []).append(parameter)
            else:
                vectors.append(parameter)
        self.moments: dict[tuple[int, int], _Moments] = {}
        self.adam = torch.optim.Adam(vectors, lr=lr, betas=betas, fused=True) if vectors else None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step; `closure` computes the loss and its gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.n_steps += 1
        lr = self.param_groups[0]["lr"]
        if self.adam is not None:
            self.adam.param_groups[0]["lr"] = lr
            self.adam.step()
        for shape, parameters in self.stacks.items():
            gradients = torch.cat(
                [
                    p.grad.reshape(-1, *shape)  # pyright: ignore[reportOptionalMemberAccess]  # all have one
                    for p in parameters
                ]
            )
            changes = self._direction(shape, gradients)
            sizes = [p.numel() // (shape[0] * shape[1]) for p in parameters]
            for parameter, change in zip(parameters, changes.split(sizes), strict=True):
                parameter.mul_(1 - lr * self.weight_decay)
                parameter.sub_(change.view_as(parameter), alpha=lr)
        return loss

    def _direction(self, shape: tuple[int, int], g: torch.Tensor) -> torch.Tensor:
        """Adam's step in the basis of `shape`, turned back."""
        decay1, decay2 = self.betas
        if shape not in self.moments:
            self.moments[shape] = _Moments(g)
        s = self.moments[shape]
        s.left.lerp_(g @ g.mT, 1 - decay2)
        s.right.lerp_(g.mT @ g, 1 - decay2)
        s.first.lerp_(g, 1 - decay1)
        s.second.lerp_((s.basis_left.mT @ g @ s.basis_right) ** 2, 1 - decay2)
        first = s.basis_left.mT @ s.first @ s.basis_right / (1 - decay1**self.n_steps)
        second = s.second / (1 - decay2**self.n_steps)
        change = s.basis_left @ (first / (second.sqrt() + self.eps)) @ s.basis_right.mT
        if self.n_steps % self.every == 0:
            s.basis_left = torch.linalg.qr(s.left @ s.basis_left)[0]
            s.basis_right = torch.linalg.qr(s.right @ s.basis_right)[0]
        return change


class _Moments:
    """Moving averages of one stack, from its first gradients."""

    def __init__(self, g: torch.Tensor) -> None:
        self.left, self.right = g @ g.mT, g.mT @ g
        self.basis_left = torch.linalg.eigh(self.left)[1]
        self.basis_right = torch.linalg.eigh(self.right)[1]
        self.first, self.second = torch.zeros_like(g), torch.zeros_like(g)
