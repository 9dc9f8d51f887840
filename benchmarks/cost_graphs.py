"""Public convolutional networks as cost graphs: bytes and work computed from the layers.

Forward and backward, a stage a layer. A backward stage reads what its rule needs (a convolution its
input, a rectifier its output, max-pooling both) and the gradient of the layer's output; where a
variable is read twice its gradients are added in place. Parameters and their gradients are a ledger
of their own. Work is in multiplications and additions, at least one an element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wengert.planning.cost_graph import CostGraph, Stage


@dataclass(frozen=True)
class Value:
    """A forward variable: channels, height and width of one image, and its storage."""

    channels: int
    height: int
    width: int
    storage: int

    @property
    def size(self) -> int:
        return self.channels * self.height * self.width


@dataclass
class Tape:
    """Appends layers, then walks back."""

    batch: int
    stages: list[Stage] = field(default_factory=list)
    nbytes: list[int] = field(default_factory=list)
    layers: list[tuple[tuple[Value, ...], Value, tuple[int, ...], int]] = field(
        default_factory=list
    )

    def layer(
        self, inputs: Sequence[Value], shape: tuple[int, int, int], price: int, reads: str
    ) -> Value:
        """Append a layer; ``reads`` says which of "x" and "y" its backward stage needs."""
        result = self._value(shape)
        cost = self.batch * (price + result.size)
        known = tuple(each.storage for each in inputs if each.storage >= 0)
        self.stages.append(Stage(known, (result.storage,), 0, cost, True))
        needed = (*(known if "x" in reads else ()), *((result.storage,) if "y" in reads else ()))
        # Gradients with respect to input and weights: each costs what forward did.
        back = self.batch * (2 * price + result.size)
        self.layers.append((tuple(inputs), result, needed, back))
        return result

    def _value(self, shape: tuple[int, int, int]) -> Value:
        self.nbytes.append(4 * self.batch * shape[0] * shape[1] * shape[2])
        return Value(*shape, len(self.nbytes) - 1)

    def _new(self, like: Value) -> int:
        return self._value((like.channels, like.height, like.width)).storage

    def graph(self) -> CostGraph:
        """Append the loss and the backward pass."""
        begin = len(self.stages)
        last = self.layers[-1][1]
        gradient = {last.storage: self._new(last)}
        self.stages.append(
            Stage((last.storage,), (gradient[last.storage],), 0, self.batch * last.size)
        )
        for inputs, result, needed, price in reversed(self.layers):
            incoming = gradient[result.storage]
            wanted = [each for each in inputs if each.storage >= 0]
            made = [self._new(each) for each in wanted]
            self.stages.append(Stage((*needed, incoming), tuple(made), 0, price))
            for value, new in zip(wanted, made, strict=True):
                if value.storage in gradient:
                    self.stages.append(
                        Stage((gradient[value.storage], new), (), 0, self.batch * value.size)
                    )
                else:
                    gradient[value.storage] = new
        return CostGraph(tuple(self.stages), tuple(self.nbytes), frozenset(), begin)

    # -- layers --------------------------------------------------------------------------------

    def conv(
        self, x: Value, channels: int, kernel: int = 3, stride: int = 1, groups: int = 1
    ) -> Value:
        shape = channels, -(-x.height // stride), -(-x.width // stride)
        work = 2 * channels * (x.channels // groups) * kernel**2 * shape[1] * shape[2]
        return self.layer([x], shape, work, "x")

    def relu(self, x: Value) -> Value:
        return self.layer([x], (x.channels, x.height, x.width), 0, "y")

    def norm(self, x: Value) -> Value:
        return self.layer([x], (x.channels, x.height, x.width), 4 * x.size, "x")

    def pool(self, x: Value, stride: int = 2) -> Value:
        return self.layer([x], (x.channels, x.height // stride, x.width // stride), x.size, "xy")

    def up(self, x: Value) -> Value:
        return self.layer([x], (x.channels, 2 * x.height, 2 * x.width), 0, "")

    def add(self, a: Value, b: Value) -> Value:
        return self.layer([a, b], (a.channels, a.height, a.width), 0, "")

    def join(self, a: Value, b: Value) -> Value:
        return self.layer([a, b], (a.channels + b.channels, a.height, a.width), 0, "")

    def dense(self, x: Value, units: int) -> Value:
        return self.layer([x], (units, 1, 1), 2 * x.size * units, "x")


IMAGE = -1  # the batch itself is given


def _vgg(blocks: Sequence[int]) -> Callable[[Tape], None]:
    def build(net: Tape) -> None:
        x = Value(3, 224, 224, IMAGE)
        for count, channels in zip(blocks, (64, 128, 256, 512, 512), strict=True):
            for _ in range(count):
                x = net.relu(net.conv(x, channels))
            x = net.pool(x)
        for units in (4096, 4096, 1000):
            x = net.relu(net.dense(x, units))

    return build


def _mobilenet(net: Tape) -> None:
    x = net.relu(net.norm(net.conv(Value(3, 224, 224, IMAGE), 32, 3, 2)))
    plan = [
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    ]
    for channels, stride in plan:
        x = net.relu(net.norm(net.conv(x, x.channels, 3, stride, x.channels)))
        x = net.relu(net.norm(net.conv(x, channels, 1)))
    net.dense(net.pool(x, 7), 1000)


def _resnet50(net: Tape) -> None:
    x = net.pool(net.relu(net.norm(net.conv(Value(3, 224, 224, IMAGE), 64, 7, 2))))
    for stage, (count, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512))):
        for block in range(count):
            stride = 2 if stage and not block else 1
            y = net.relu(net.norm(net.conv(x, width, 1, stride)))
            y = net.relu(net.norm(net.conv(y, width)))
            y = net.norm(net.conv(y, 4 * width, 1))
            side = x if block else net.norm(net.conv(x, 4 * width, 1, stride))
            x = net.relu(net.add(y, side))
    net.dense(net.pool(x, 7), 1000)


def _unet(net: Tape) -> None:
    x, kept = Value(3, 416, 608, IMAGE), []
    for channels in (64, 128, 256, 512):
        x = net.relu(net.conv(net.relu(net.conv(x, channels)), channels))
        kept.append(x)
        x = net.pool(x)
    x = net.relu(net.conv(net.relu(net.conv(x, 1024)), 1024))
    for side in reversed(kept):
        x = net.join(side, net.relu(net.conv(net.up(x), side.channels, 2)))
        x = net.relu(net.conv(net.relu(net.conv(x, side.channels)), side.channels))
    net.conv(x, 2, 1)


def _segnet(net: Tape) -> None:
    x = Value(3, 416, 608, IMAGE)
    blocks = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
    for count, channels in blocks:
        for _ in range(count):
            x = net.relu(net.norm(net.conv(x, channels)))
        x = net.pool(x)
    for at, (count, channels) in reversed(list(enumerate(blocks))):
        x = net.up(x)
        last = blocks[at - 1][1] if at else channels
        for done in range(count):
            x = net.relu(net.norm(net.conv(x, last if done == count - 1 else channels)))
    net.conv(x, 2, 1)


NETWORKS: dict[str, Callable[[Tape], None]] = {
    "VGG16": _vgg((2, 2, 3, 3, 3)),
    "VGG19": _vgg((2, 2, 4, 4, 4)),
    "MobileNet": _mobilenet,
    "ResNet-50": _resnet50,
    "U-Net": _unet,
    "SegNet": _segnet,
}


def cost_graph_of(network: str, batch: int = 8) -> CostGraph:
    """Return the cost graph of a network.

    >>> len(cost_graph_of("VGG16").stages)
    84
    """
    tape = Tape(batch)
    NETWORKS[network](tape)
    return tape.graph()
