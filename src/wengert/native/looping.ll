; Loops and branches inside a program: a kernel of one chunk that runs lists of kernels.
;
; Its first operand is a description, words of 64 bits:
;   0 kind (0 scan, 1 branch, 2 while)   1 iterations
;   2 4 6 8  records in the lists before, test, body, after (of a branch: yes is body, no is after)
;   3 5 7 9  word at which each list begins
;   10 … 13  place of the test's boolean
;   14 refusals  15 address of them  16 operand to tell of one, or -1
; record: kernel, chunks, operands, word of its pointers, the place of each operand, the pointers
; place:  operand it lies in (-1: an address), offset, bytes an iteration, bytes every second one

define internal i64 @placed(ptr %bases, ptr %place, i64 %it) {
entry:
  %base = load i64, ptr %place
  %known = icmp sge i64 %base, 0
  br i1 %known, label %inside, label %whole
inside:
  %pbase = getelementptr i64, ptr %bases, i64 %base
  %start = load i64, ptr %pbase
  br label %whole
whole:
  %from = phi i64 [ 0, %entry ], [ %start, %inside ]
  %poffset = getelementptr i64, ptr %place, i64 1
  %offset = load i64, ptr %poffset
  %pstride = getelementptr i64, ptr %place, i64 2
  %stride = load i64, ptr %pstride
  %ptoggle = getelementptr i64, ptr %place, i64 3
  %toggle = load i64, ptr %ptoggle
  %odd = and i64 %it, 1
  %along = mul i64 %stride, %it
  %side = mul i64 %toggle, %odd
  %a = add i64 %from, %offset
  %b = add i64 %a, %along
  %c = add i64 %b, %side
  ret i64 %c
}

define internal void @listed(ptr %words, ptr %bases, i64 %list, i64 %it) {
entry:
  %pcount = getelementptr i64, ptr %words, i64 %list
  %count = load i64, ptr %pcount
  %pfirst = getelementptr i64, ptr %pcount, i64 1
  %first = load i64, ptr %pfirst
  br label %each
each:
  %r = phi i64 [ 0, %entry ], [ %r1, %called ]
  %at = phi i64 [ %first, %entry ], [ %next, %called ]
  %more = icmp slt i64 %r, %count
  br i1 %more, label %record, label %done
record:
  %row = getelementptr i64, ptr %words, i64 %at
  %kernel = load ptr, ptr %row
  %pchunks = getelementptr i64, ptr %row, i64 1
  %chunks = load i64, ptr %pchunks
  %poperands = getelementptr i64, ptr %row, i64 2
  %operands = load i64, ptr %poperands
  %ppointers = getelementptr i64, ptr %row, i64 3
  %word = load i64, ptr %ppointers
  %pointers = getelementptr i64, ptr %words, i64 %word
  br label %operand
operand:
  %k = phi i64 [ 0, %record ], [ %k1, %aim ]
  %left = icmp slt i64 %k, %operands
  br i1 %left, label %aim, label %call
aim:
  %skip = shl i64 %k, 2
  %down = add i64 %skip, 4
  %place = getelementptr i64, ptr %row, i64 %down
  %pointer = call i64 @placed(ptr %bases, ptr %place, i64 %it)
  %slot = getelementptr i64, ptr %pointers, i64 %k
  store i64 %pointer, ptr %slot
  %k1 = add i64 %k, 1
  br label %operand
call:
  call void %kernel(ptr %pointers, i64 0, i64 %chunks)
  br label %called
called:
  %size = mul i64 %operands, 5
  %whole = add i64 %size, 4
  %next = add i64 %at, %whole
  %r1 = add i64 %r, 1
  br label %each
done:
  ret void
}

define internal i1 @tested(ptr %words, ptr %bases, i64 %it) {
  %place = getelementptr i64, ptr %words, i64 10
  %at = call i64 @placed(ptr %bases, ptr %place, i64 %it)
  %p = inttoptr i64 %at to ptr
  %byte = load i8, ptr %p
  %yes = icmp ne i8 %byte, 0
  ret i1 %yes
}

; Tells the program when a kernel inside has refused a number.
define internal void @told(ptr %words, ptr %bases) {
entry:
  %pcount = getelementptr i64, ptr %words, i64 14
  %count = load i64, ptr %pcount
  %prows = getelementptr i64, ptr %words, i64 15
  %rows = load ptr, ptr %prows
  %pwhere = getelementptr i64, ptr %words, i64 16
  %where = load i64, ptr %pwhere
  br label %each
each:
  %r = phi i64 [ 0, %entry ], [ %r1, %look ]
  %more = icmp slt i64 %r, %count
  br i1 %more, label %look, label %done
look:
  %skip = shl i64 %r, 2
  %row = getelementptr i64, ptr %rows, i64 %skip
  %flag = load i64, ptr %row
  %fine = icmp eq i64 %flag, 0
  %r1 = add i64 %r, 1
  br i1 %fine, label %each, label %refused
refused:
  %pbase = getelementptr i64, ptr %bases, i64 %where
  %target = load ptr, ptr %pbase
  store i64 1, ptr %target
  br label %done
done:
  ret void
}

define void @wengert_loop(ptr %bases, i64 %begin, i64 %end) {
entry:
  %some = icmp slt i64 %begin, %end
  br i1 %some, label %start, label %done
start:
  %words = load ptr, ptr %bases
  %kind = load i64, ptr %words
  %pcount = getelementptr i64, ptr %words, i64 1
  %count = load i64, ptr %pcount
  switch i64 %kind, label %scan [ i64 1, label %branch i64 2, label %while ]
branch:
  %choice = call i1 @tested(ptr %words, ptr %bases, i64 0)
  %list = select i1 %choice, i64 6, i64 8
  call void @listed(ptr %words, ptr %bases, i64 %list, i64 0)
  br label %tell
scan:
  call void @listed(ptr %words, ptr %bases, i64 2, i64 0)
  br label %step
step:
  %i = phi i64 [ 0, %scan ], [ %i1, %iteration ]
  %in = icmp slt i64 %i, %count
  br i1 %in, label %iteration, label %after
iteration:
  call void @listed(ptr %words, ptr %bases, i64 6, i64 %i)
  %i1 = add i64 %i, 1
  br label %step
while:
  call void @listed(ptr %words, ptr %bases, i64 2, i64 0)
  br label %test
test:
  %j = phi i64 [ 0, %while ], [ %j1, %round ]
  call void @listed(ptr %words, ptr %bases, i64 4, i64 %j)
  %on = call i1 @tested(ptr %words, ptr %bases, i64 %j)
  br i1 %on, label %round, label %after
round:
  call void @listed(ptr %words, ptr %bases, i64 6, i64 %j)
  %j1 = add i64 %j, 1
  br label %test
after:
  %n = phi i64 [ %i, %step ], [ %j, %test ]
  call void @listed(ptr %words, ptr %bases, i64 8, i64 %n)
  br label %tell
tell:
  call void @told(ptr %words, ptr %bases)
  br label %done
done:
  ret void
}
