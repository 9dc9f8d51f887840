"""Small kernels in IR that tests of the walker run."""

import numpy as np

from wengert.native.jit import Library, session

# count: adds 1 to the number of its chunk. copy: chunk of operand 1 = chunk of operand 0 + 1.
# sum: chunk of operand 1 = sum over operand 0 (operand 2: how many).
# slow: count after many rounds (operand 1) of nothing.
_TEXT = """
define void @count(ptr %ops, i64 %a, i64 %b) {
entry:
  %x = load ptr, ptr %ops
  br label %next
next:
  %c = phi i64 [ %a, %entry ], [ %c1, %next ]
  %p = getelementptr i64, ptr %x, i64 %c
  %v = load i64, ptr %p
  %v1 = add i64 %v, 1
  store i64 %v1, ptr %p
  %c1 = add i64 %c, 1
  %more = icmp slt i64 %c1, %b
  br i1 %more, label %next, label %done
done:
  ret void
}

define void @copy(ptr %ops, i64 %a, i64 %b) {
entry:
  %x = load ptr, ptr %ops
  %py = getelementptr ptr, ptr %ops, i64 1
  %y = load ptr, ptr %py
  br label %next
next:
  %c = phi i64 [ %a, %entry ], [ %c1, %next ]
  %p = getelementptr i64, ptr %x, i64 %c
  %v = load i64, ptr %p
  %v1 = add i64 %v, 1
  %q = getelementptr i64, ptr %y, i64 %c
  store i64 %v1, ptr %q
  %c1 = add i64 %c, 1
  %more = icmp slt i64 %c1, %b
  br i1 %more, label %next, label %done
done:
  ret void
}

define void @sum(ptr %ops, i64 %a, i64 %b) {
entry:
  %x = load ptr, ptr %ops
  %py = getelementptr ptr, ptr %ops, i64 1
  %y = load ptr, ptr %py
  %pn = getelementptr ptr, ptr %ops, i64 2
  %n = load i64, ptr %pn
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i1, %next ]
  %s = phi i64 [ 0, %entry ], [ %s1, %next ]
  %p = getelementptr i64, ptr %x, i64 %i
  %v = load i64, ptr %p
  %s1 = add i64 %s, %v
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %n
  br i1 %more, label %next, label %tell
tell:
  %c = phi i64 [ %a, %next ], [ %c1, %tell ]
  %q = getelementptr i64, ptr %y, i64 %c
  store i64 %s1, ptr %q
  %c1 = add i64 %c, 1
  %again = icmp slt i64 %c1, %b
  br i1 %again, label %tell, label %done
done:
  ret void
}

define void @slow(ptr %ops, i64 %a, i64 %b) {
entry:
  %pn = getelementptr ptr, ptr %ops, i64 1
  %n = load i64, ptr %pn
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i1, %next ]
  %f = phi double [ 1.0, %entry ], [ %f1, %next ]
  %f1 = fmul double %f, 0x3FF0000001000000
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %n
  br i1 %more, label %next, label %done
done:
  %infinite = fcmp oeq double %f1, 0.0
  br i1 %infinite, label %never, label %end
never:
  ret void
end:
  call void @count(ptr %ops, i64 %a, i64 %b)
  ret void
}
"""


def kernels() -> Library:
    """Return count, copy, sum and slow, in memory as long as the result is."""
    return session().text(_TEXT, ("count", "copy", "sum", "slow"))


def operands(*values: np.ndarray | int) -> np.ndarray:
    """Return the array of pointers (or plain numbers) that a kernel gets."""
    return np.array([v.ctypes.data if isinstance(v, np.ndarray) else v for v in values], np.uint64)
