"""The optimizers: each is its formula for one parameter p with gradient g at step t = 0, 1, …"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import OptionError
from wengert.optim.optimizer import (
    LearningRate,
    Optimizer,
    check_number,
    check_rate,
    make_optimizer,
    rate_at,
)


def sgd(
    learning_rate: LearningRate,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Stochastic gradient descent, with momentum and L2 weight decay where asked for.

    With learning rate η, momentum μ and weight decay λ::

        g ← g + λ p                     weight decay, coupled: the gradient of (λ/2)‖p‖²
        v ← μ v + g                     v = 0 at first; without momentum v = g
        p ← p − η v                     or, Nesterov:  p ← p − η (g + μ v)

    This is PyTorch's convention (dampening 0): the learning rate stands outside the velocity. That
    of Sutskever, Martens, Dahl and Hinton (*On the importance of initialization and momentum in
    deep learning*, ICML 2013), v ← μ v − η g, p ← p + v, makes the same steps while η is constant;
    where a schedule changes η, here the whole velocity feels it at once.

    Parameters
    ----------
    learning_rate
        η, a number of at least 0 or a schedule.
    momentum
        μ, from 0 to below 1.
    nesterov
        Look ahead along the velocity; needs momentum.
    weight_decay
        λ, at least 0; it applies to every parameter, biases included.

    Raises
    ------
    OptionError
        A number out of its range, or ``nesterov`` without momentum.

    Examples
    --------
    >>> optimizer = sgd(0.1, momentum=0.9)
    >>> p, g = np.array([1.0]), np.array([1.0])
    >>> state = optimizer.init(p)
    >>> for step in range(2):
    ...     p, state = optimizer.update(g, state, p, step)
    >>> p, state["velocity"]
    (array([0.71]), array([1.9]))
    """
    check_rate("sgd", learning_rate)
    check_number("sgd: momentum", momentum, "a number ≥ 0 and < 1", below=1)
    check_number("sgd: weight_decay", weight_decay, "a number ≥ 0")
    if nesterov and momentum == 0:
        raise OptionError(
            "sgd: nesterov without momentum",
            expected="momentum > 0",
            got=f"momentum = {momentum!r}",
            remedy="sgd(…, momentum=0.9, nesterov=True)",
        )
    settings = {
        "learning_rate": learning_rate,
        "momentum": momentum,
        "nesterov": nesterov,
        "weight_decay": weight_decay,
    }

    def scalars(step: Any) -> tuple[Any, ...]:
        return rate_at(learning_rate, step), momentum, weight_decay

    def plain(p: Any, g: Any, rate: Any, _: Any, decay: Any) -> tuple[Any]:
        decayed = g + decay * p if weight_decay else g
        return (p - rate * decayed,)

    def heavy(p: Any, g: Any, *rest: Any) -> tuple[Any, Any]:
        rate, friction, decay, velocity = rest
        decayed = g + decay * p if weight_decay else g
        velocity = friction * velocity + decayed
        ahead = decayed + friction * velocity if nesterov else velocity
        return p - rate * ahead, velocity

    if momentum == 0:
        return make_optimizer("sgd", settings, scalars=scalars, move=plain)
    return make_optimizer("sgd", settings, scalars=scalars, move=heavy, buffers=("velocity",))


def adam(
    learning_rate: LearningRate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Optimizer:
    """Adam, with the bias correction and the defaults of its paper.

    With learning rate η::

        m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²           m = v = 0 at first
        m̂ = m / (1 − β₁^(t+1))          v̂ = v / (1 − β₂^(t+1))
        p ← p − η m̂ / (√v̂ + ε)

    From Kingma and Ba, *Adam: A method for stochastic optimization*, ICLR 2015, algorithm 1 (its t
    counts from 1).

    Parameters
    ----------
    learning_rate
        η, a number of at least 0 or a schedule.
    beta1, beta2
        β₁ and β₂, from 0 to below 1.
    epsilon
        ε, greater than 0. The default is 0 in float16; choose a larger one there.

    Raises
    ------
    OptionError
        A number out of its range.

    Examples
    --------
    >>> optimizer = adam(0.1)
    >>> p = np.array([1.0, 1.0])
    >>> p, state = optimizer.update(np.array([5.0, -0.01]), optimizer.init(p), p, 0)
    >>> p.round(4)
    array([0.9, 1.1])
    """
    _check_adam("adam", learning_rate, beta1, beta2, epsilon)
    settings = {
        "learning_rate": learning_rate,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
    }

    return _make_adam("adam", settings)


def adamw(
    learning_rate: LearningRate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Adam with decoupled weight decay: :func:`adam`, and each step also shrinks the parameter.

    With m̂ and v̂ as in :func:`adam`, learning rate η and weight decay λ::

        p ← p − η (m̂ / (√v̂ + ε) + λ p)

    From Loshchilov and Hutter, *Decoupled weight decay regularization*, ICLR 2019, algorithm 2. The
    paper writes η_t (α m̂ / (√v̂ + ε) + λ p), a schedule η_t apart from the rate α; here, as in
    PyTorch, the one learning rate multiplies both terms, so the paper's λ is η λ here.

    Parameters
    ----------
    learning_rate
        η, a number of at least 0 or a schedule.
    beta1, beta2
        β₁ and β₂, from 0 to below 1.
    epsilon
        ε, greater than 0. The default is 0 in float16; choose a larger one there.
    weight_decay
        λ, at least 0; it applies to every parameter, biases included.

    Raises
    ------
    OptionError
        A number out of its range.

    Examples
    --------
    >>> optimizer = adamw(0.1, weight_decay=0.5)
    >>> p = np.array([1.0])
    >>> p, state = optimizer.update(np.array([0.0]), optimizer.init(p), p, 0)
    >>> p
    array([0.95])
    """
    _check_adam("adamw", learning_rate, beta1, beta2, epsilon)
    check_number("adamw: weight_decay", weight_decay, "a number ≥ 0")
    settings = {
        "learning_rate": learning_rate,
        "beta1": beta1,
        "beta2": beta2,
        "epsilon": epsilon,
        "weight_decay": weight_decay,
    }

    return _make_adam("adamw", settings)


def _check_adam(name: str, learning_rate: Any, beta1: Any, beta2: Any, epsilon: Any) -> None:
    check_rate(name, learning_rate)
    check_number(f"{name}: beta1", beta1, "a number ≥ 0 and < 1", below=1)
    check_number(f"{name}: beta2", beta2, "a number ≥ 0 and < 1", below=1)
    check_number(f"{name}: epsilon", epsilon, "a number > 0", above=0)


def _make_adam(name: str, settings: dict[str, Any]) -> Optimizer:
    learning_rate, beta1, beta2 = (settings[key] for key in ("learning_rate", "beta1", "beta2"))
    epsilon, weight_decay = settings["epsilon"], settings.get("weight_decay", 0.0)

    def scalars(step: Any) -> tuple[Any, ...]:
        # In float64 still, where 1 − β₂ is not yet rounded away.
        corrections = 1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1)
        rates = rate_at(learning_rate, step), weight_decay, epsilon
        return *rates, beta1, beta2, 1 - beta1, 1 - beta2, *corrections

    def move(p: Any, g: Any, *rest: Any) -> tuple[Any, Any, Any]:
        rate, decay, tiny, keep1, keep2, take1, take2, whole1, whole2, mean, square = rest
        mean = keep1 * mean + take1 * g
        square = keep2 * square + take2 * (g * g)
        direction = (mean / whole1) / (np.sqrt(square / whole2) + tiny)
        decayed = direction + decay * p if weight_decay else direction
        return p - rate * decayed, mean, square

    return make_optimizer(name, settings, scalars=scalars, move=move, buffers=("mean", "square"))


def rmsprop(
    learning_rate: LearningRate = 0.001, decay: float = 0.9, epsilon: float = 1e-8
) -> Optimizer:
    """Divide the gradient by a running root mean square of itself.

    With learning rate η and decay ρ::

        v ← ρ v + (1 − ρ) g²            v = 0 at first
        p ← p − η g / (√v + ε)

    From Tieleman and Hinton, *Lecture 6.5: RMSProp*, Neural networks for machine learning, 2012,
    which gives ρ = 0.9; η = 0.001 is common with it.

    Parameters
    ----------
    learning_rate
        η, a number of at least 0 or a schedule.
    decay
        ρ, from 0 to below 1.
    epsilon
        ε, greater than 0, outside the root. The default is 0 in float16; choose a larger one there.

    Raises
    ------
    OptionError
        A number out of its range.

    Examples
    --------
    >>> optimizer = rmsprop(0.1, decay=0.75)
    >>> p = np.array([1.0])
    >>> p, state = optimizer.update(np.array([4.0]), optimizer.init(p), p, 0)
    >>> p.round(4), state["square"]
    (array([0.8]), array([4.]))
    """
    check_rate("rmsprop", learning_rate)
    check_number("rmsprop: decay", decay, "a number ≥ 0 and < 1", below=1)
    check_number("rmsprop: epsilon", epsilon, "a number > 0", above=0)
    settings = {"learning_rate": learning_rate, "decay": decay, "epsilon": epsilon}

    def scalars(step: Any) -> tuple[Any, ...]:
        return rate_at(learning_rate, step), decay, 1 - decay, epsilon

    def move(p: Any, g: Any, *rest: Any) -> tuple[Any, Any]:
        rate, keep, take, tiny, square = rest
        square = keep * square + take * (g * g)
        return p - rate * g / (np.sqrt(square) + tiny), square

    return make_optimizer("rmsprop", settings, scalars=scalars, move=move, buffers=("square",))


def adagrad(learning_rate: LearningRate = 0.01, epsilon: float = 1e-8) -> Optimizer:
    """Divide the gradient by the root of the sum of its squares so far.

    With learning rate η::

        v ← v + g²                      v = 0 at first
        p ← p − η g / (√v + ε)

    From Duchi, Hazan and Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 2011, the diagonal form; ε keeps a gradient of 0 from dividing by 0.

    Parameters
    ----------
    learning_rate
        η, a number of at least 0 or a schedule.
    epsilon
        ε, greater than 0. The default is 0 in float16; choose a larger one there.

    Raises
    ------
    OptionError
        A number out of its range.

    Examples
    --------
    >>> optimizer = adagrad(0.5)
    >>> p = np.array([1.0])
    >>> p, state = optimizer.update(np.array([2.0]), optimizer.init(p), p, 0)
    >>> p, state["square"]
    (array([0.5]), array([4.]))
    """
    check_rate("adagrad", learning_rate)
    check_number("adagrad: epsilon", epsilon, "a number > 0", above=0)
    settings = {"learning_rate": learning_rate, "epsilon": epsilon}

    def scalars(step: Any) -> tuple[Any, ...]:
        return rate_at(learning_rate, step), epsilon

    def move(p: Any, g: Any, rate: Any, tiny: Any, square: Any) -> tuple[Any, Any]:
        square = square + g * g
        return p - rate * g / (np.sqrt(square) + tiny), square

    return make_optimizer("adagrad", settings, scalars=scalars, move=move, buffers=("square",))
