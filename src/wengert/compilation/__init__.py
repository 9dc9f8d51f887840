"""Floor 6: plans of functions, the one place where the floors are put together."""

from wengert.compilation.memory import MemoryPlan as MemoryPlan
from wengert.compilation.plans import plan as plan
