; Whole runs: the caller's side, the helpers' side, and the gate that opens one step at a time.
; The layout of control and table is in claiming.ll.

define internal void @walk(ptr %control, ptr %table, i64 %thread, i64 %from) {
entry:
  %pgroups = getelementptr i8, ptr %table, i64 128
  %groups = load i64, ptr %pgroups
  %porigin = getelementptr i8, ptr %table, i64 72
  br label %next
next:
  %want = phi i64 [ %from, %entry ], [ %step1, %stepend ]
  %step = call i64 @admit(ptr %table, i64 %want)
  %over = icmp slt i64 %step, 0
  br i1 %over, label %done, label %enter
enter:
  %origin = load atomic i64, ptr %porigin monotonic, align 8
  %rel = sub i64 %step, %origin
  br label %each
each:
  %g = phi i64 [ 0, %enter ], [ %g1, %after ]
  %in = icmp slt i64 %g, %groups
  br i1 %in, label %run, label %stepend
run:
  %leave = call i1 @group(ptr %control, ptr %table, i64 %thread, i64 %g, i64 %step, i64 %rel)
  br i1 %leave, label %done, label %after
after:
  %g1 = add i64 %g, 1
  br label %each
stepend:
  %step1 = add i64 %step, 1
  br label %next
done:
  call void @ring(ptr %control, i64 0)
  ret void
}

define i64 @wengert_run(ptr %control, ptr %table, i64 %steps) {
  %told = call i64 @run(ptr %control, ptr %table, i64 %steps, i1 true)
  ret i64 %told
}

; Goes on with a run: its steps are counted from where it began, and a stop stays one.
define i64 @wengert_resume(ptr %control, ptr %table, i64 %steps) {
  %told = call i64 @run(ptr %control, ptr %table, i64 %steps, i1 false)
  ret i64 %told
}

; The caller's side: opens the table for %steps more steps, or one turn of time, and runs with the
; team. Returns twice the steps completed, and 1 more where the team is smaller than it could be.
define internal i64 @run(ptr %control, ptr %table, i64 %steps, i1 %new) {
entry:
  %pbudget = getelementptr i8, ptr %control, i64 224
  %budget = load i64, ptr %pbudget
  %pthreads = getelementptr i8, ptr %control, i64 232
  %threads = load i64, ptr %pthreads
  %gate = load atomic i64, ptr %table acquire, align 8
  %from = lshr i64 %gate, 1
  %end = add i64 %from, %steps
  %now = call i64 @now()
  %deadline = add i64 %now, %budget
  %pend = getelementptr i8, ptr %table, i64 64
  store atomic i64 %end, ptr %pend monotonic, align 8
  %pdeadline = getelementptr i8, ptr %table, i64 80
  store atomic i64 %deadline, ptr %pdeadline monotonic, align 8
  %pfirst = getelementptr i8, ptr %table, i64 96
  store atomic i64 %from, ptr %pfirst monotonic, align 8
  br i1 %new, label %reset, label %open
reset:
  %porigin = getelementptr i8, ptr %table, i64 72
  store atomic i64 %from, ptr %porigin monotonic, align 8
  %pstop = getelementptr i8, ptr %table, i64 88
  store atomic i64 0, ptr %pstop monotonic, align 8
  br label %open
open:
  %opened = shl i64 %from, 1
  store atomic i64 %opened, ptr %table release, align 8
  %pactive = getelementptr i8, ptr %control, i64 192
  %active = load atomic i64, ptr %pactive monotonic, align 8
  %several = icmp sgt i64 %active, 1
  %pwide = getelementptr i8, ptr %table, i64 200
  %wideness = load i64, ptr %pwide
  %wide = icmp ne i64 %wideness, 0
  %wake = and i1 %several, %wide
  br i1 %wake, label %summon, label %go
summon:
  %ptable = getelementptr i8, ptr %control, i64 8
  store atomic ptr %table, ptr %ptable release, align 8
  %old = atomicrmw add ptr %control, i64 1 seq_cst
  call void @ring(ptr %control, i64 64)
  br label %go
go:
  %slot = call ptr @slot(ptr %control, i64 0)
  %pstate = getelementptr i64, ptr %slot, i64 2
  store atomic i64 1, ptr %pstate monotonic, align 8
  call void @walk(ptr %control, ptr %table, i64 0, i64 %from)
  store atomic i64 0, ptr %pstate monotonic, align 8
  %last = load atomic i64, ptr %table acquire, align 8
  %reached = lshr i64 %last, 1
  %n = sub i64 %reached, %from
  %twice = shl i64 %n, 1
  %left = load atomic i64, ptr %pactive monotonic, align 8
  %fewer = icmp slt i64 %left, %threads
  %bit = zext i1 %fewer to i64
  %told = or i64 %twice, %bit
  ret i64 %told
}

; A helper's whole life: parked until a command comes, at work until its run is over.
define void @wengert_work(ptr %control, i64 %thread) {
entry:
  %slot = call ptr @slot(ptr %control, i64 %thread)
  %pstate = getelementptr i64, ptr %slot, i64 2
  %ptable = getelementptr i8, ptr %control, i64 8
  %pquit = getelementptr i8, ptr %control, i64 16
  %pactive = getelementptr i8, ptr %control, i64 192
  %start = load atomic i64, ptr %slot monotonic, align 8
  br label %park
park:
  %last = phi i64 [ %start, %entry ], [ %command, %idle ]
  %next = add i64 %last, 1
  call void @await(ptr %control, i64 %thread, ptr %control, i64 %next, i64 0)
  %command = load atomic i64, ptr %control acquire, align 8
  %quit = load atomic i64, ptr %pquit acquire, align 8
  %stop = icmp ne i64 %quit, 0
  br i1 %stop, label %done, label %look
look:
  %table = load atomic ptr, ptr %ptable acquire, align 8
  %active = load atomic i64, ptr %pactive monotonic, align 8
  %mine = icmp slt i64 %thread, %active
  br i1 %mine, label %work, label %idle
work:
  store atomic i64 1, ptr %pstate monotonic, align 8
  %gate = load atomic i64, ptr %table acquire, align 8
  %from = lshr i64 %gate, 1
  %before = sub i64 %from, 1
  %want = call i64 @llvm.smax.i64(i64 %before, i64 0)
  call void @walk(ptr %control, ptr %table, i64 %thread, i64 %want)
  store atomic i64 0, ptr %pstate monotonic, align 8
  br label %idle
idle:
  store atomic i64 %command, ptr %slot release, align 8
  br label %park
done:
  store atomic i64 9223372036854775807, ptr %slot release, align 8
  ret void
}

; Ends every helper: each returns from its native call once it has left its run.
define void @wengert_quit(ptr %control) {
  %pquit = getelementptr i8, ptr %control, i64 16
  store atomic i64 1, ptr %pquit release, align 8
  %old = atomicrmw add ptr %control, i64 1 seq_cst
  call void @ring(ptr %control, i64 64)
  ret void
}
