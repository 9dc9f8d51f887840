; How a thread of the team waits: spins, yields, sleeps, and notices partners without a core.
; primitives.py writes what differs from platform to platform: @relax (a pause while spinning),
; @now and @clock (ns), @give (another thread may run), @nap (sleeps while the bell shows a number,
; for so many ns at most; 0: until it rings) and @strike (wakes whoever naps on the bell).

; Wakes sleepers, if there are any: the caller has changed what they wait for. The bell of a run
; (%which 0) leaves parked threads alone; they have one of their own (%which 64).
define internal void @ring(ptr %control, i64 %which) {
  %bells = getelementptr i8, ptr %control, i64 64
  %bell = getelementptr i8, ptr %bells, i64 %which
  %ps = getelementptr i8, ptr %bell, i64 8
  %n = load atomic i64, ptr %ps seq_cst, align 8
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %wake, label %done
wake:
  %old = atomicrmw add ptr %bell, i32 1 seq_cst
  call void @strike(ptr %bell)
  br label %done
done:
  ret void
}

define internal ptr @slot(ptr %control, i64 %thread) alwaysinline {
  %o = shl i64 %thread, 6
  %a = add i64 %o, 256
  %p = getelementptr i8, ptr %control, i64 %a
  ret ptr %p
}

; Reads the processor time of every working partner into %into (-1: not one to judge).
define internal void @sample(ptr %control, i64 %thread, i64 %active, ptr %into) {
entry:
  br label %next
next:
  %u = phi i64 [ 0, %entry ], [ %u1, %store ]
  %in = icmp slt i64 %u, %active
  br i1 %in, label %look, label %done
look:
  %slot = call ptr @slot(ptr %control, i64 %u)
  %pstate = getelementptr i64, ptr %slot, i64 2
  %state = load atomic i64, ptr %pstate monotonic, align 8
  %pclock = getelementptr i64, ptr %slot, i64 1
  %clock = load atomic i64, ptr %pclock monotonic, align 8
  %working = icmp eq i64 %state, 1
  %known = icmp ne i64 %clock, 0
  %other = icmp ne i64 %u, %thread
  %c0 = and i1 %working, %known
  %c = and i1 %c0, %other
  br i1 %c, label %read, label %store
read:
  %id = trunc i64 %clock to i32
  %t = call i64 @clock(i32 %id)
  br label %store
store:
  %v = phi i64 [ -1, %look ], [ %t, %read ]
  %p = getelementptr i64, ptr %into, i64 %u
  store i64 %v, ptr %p
  %u1 = add i64 %u, 1
  br label %next
done:
  ret void
}

; Partners that had work for %wall ns and spent less than half of it on a core are late. Late once
; is chance; late again soon is a neighbour: the team shrinks by their number, so that the scheduler
; has a core for those that stay.
define internal void @judge(ptr %control, i64 %active, ptr %before, ptr %after, i64 %wall) {
entry:
  %half = lshr i64 %wall, 1
  br label %next
next:
  %u = phi i64 [ 0, %entry ], [ %u1, %count ]
  %late = phi i64 [ 0, %entry ], [ %late1, %count ]
  %in = icmp slt i64 %u, %active
  br i1 %in, label %count, label %done
count:
  %pb = getelementptr i64, ptr %before, i64 %u
  %b = load i64, ptr %pb
  %pa = getelementptr i64, ptr %after, i64 %u
  %a = load i64, ptr %pa
  %b0 = icmp sge i64 %b, 0
  %a0 = icmp sge i64 %a, 0
  %both = and i1 %b0, %a0
  %spent = sub i64 %a, %b
  %little = icmp slt i64 %spent, %half
  %is = and i1 %both, %little
  %one = zext i1 %is to i64
  %late1 = add i64 %late, %one
  %u1 = add i64 %u, 1
  br label %next
done:
  %some = icmp sgt i64 %late, 0
  br i1 %some, label %again, label %end
again:
  %now = call i64 @now()
  %plast = getelementptr i8, ptr %control, i64 248
  %last = atomicrmw xchg ptr %plast, i64 %now monotonic
  %psoon = getelementptr i8, ptr %control, i64 240
  %soon = load i64, ptr %psoon
  %since = sub i64 %now, %last
  %neighbour = icmp slt i64 %since, %soon
  br i1 %neighbour, label %shrink, label %end
shrink:
  %left = sub i64 %active, %late
  %atleast = call i64 @llvm.smax.i64(i64 %left, i64 1)
  %pactive = getelementptr i8, ptr %control, i64 192
  %swap = cmpxchg ptr %pactive, i64 %active, i64 %atleast seq_cst monotonic, align 8
  %pevents = getelementptr i8, ptr %control, i64 200
  %e = atomicrmw add ptr %pevents, i64 1 monotonic
  br label %end
end:
  ret void
}

; Waits until the cell has reached %target: spins, then yields, then sleeps. %nap is the longest
; sleep in ns; 0 for a parked thread, which waits for a command and judges nobody.
define internal void @await(ptr %control, i64 %thread, ptr %cell, i64 %target, i64 %nap) noinline {
entry:
  %pspin = getelementptr i8, ptr %control, i64 208
  %spin = load i64, ptr %pspin
  %pyield = getelementptr i8, ptr %control, i64 216
  %yield = load i64, ptr %pyield
  %slot = call ptr @slot(ptr %control, i64 %thread)
  %pstate = getelementptr i64, ptr %slot, i64 2
  %pactive = getelementptr i8, ptr %control, i64 192
  %judging = icmp ne i64 %nap, 0
  %which = select i1 %judging, i64 64, i64 128
  %bell = getelementptr i8, ptr %control, i64 %which
  %psleepers = getelementptr i8, ptr %bell, i64 8
  %t0 = call i64 @now()
  br label %spinning
spinning:
  %i = phi i64 [ 0, %entry ], [ 0, %look ], [ %i1, %again ]
  %v = load atomic i64, ptr %cell acquire, align 8
  %ok = icmp sge i64 %v, %target
  br i1 %ok, label %done, label %pause
pause:
  call void @relax()
  %i1 = add i64 %i, 1
  %enough = icmp eq i64 %i1, 16
  br i1 %enough, label %look, label %again
again:
  br label %spinning
look:
  %t1 = call i64 @now()
  %gone = sub i64 %t1, %t0
  %more = icmp slt i64 %gone, %spin
  br i1 %more, label %spinning, label %slow
slow:
  %was = load atomic i64, ptr %pstate monotonic, align 8
  store atomic i64 2, ptr %pstate monotonic, align 8
  %active = load atomic i64, ptr %pactive monotonic, align 8
  %before = alloca i64, i64 %active
  %after = alloca i64, i64 %active
  br i1 %judging, label %first, label %yielding
first:
  call void @sample(ptr %control, i64 %thread, i64 %active, ptr %before)
  br label %yielding
yielding:
  call void @give()
  %v2 = load atomic i64, ptr %cell acquire, align 8
  %ok2 = icmp sge i64 %v2, %target
  br i1 %ok2, label %restore, label %late
late:
  %t2 = call i64 @now()
  %gone2 = sub i64 %t2, %t0
  %more2 = icmp slt i64 %gone2, %yield
  br i1 %more2, label %yielding, label %patience
patience:
  br i1 %judging, label %second, label %sleeping
second:
  call void @sample(ptr %control, i64 %thread, i64 %active, ptr %after)
  %t3 = call i64 @now()
  %wall = sub i64 %t3, %t1
  call void @judge(ptr %control, i64 %active, ptr %before, ptr %after, i64 %wall)
  br label %sleeping
sleeping:
  %s0 = atomicrmw add ptr %psleepers, i64 1 seq_cst
  %seen = load atomic i32, ptr %bell seq_cst, align 4
  %v3 = load atomic i64, ptr %cell seq_cst, align 8
  %ok3 = icmp sge i64 %v3, %target
  br i1 %ok3, label %awake, label %asleep
asleep:
  call void @nap(ptr %bell, i32 %seen, i64 %nap)
  br label %awake
awake:
  %s1 = atomicrmw sub ptr %psleepers, i64 1 seq_cst
  %v4 = load atomic i64, ptr %cell acquire, align 8
  %ok4 = icmp sge i64 %v4, %target
  br i1 %ok4, label %restore, label %sleeping
restore:
  store atomic i64 %was, ptr %pstate monotonic, align 8
  br label %done
done:
  ret void
}

declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
