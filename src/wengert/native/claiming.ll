; The walker: threads of one team run a table of kernels for many steps, without Python.
;
; A table is a list of groups; between two groups stands a barrier. A group holds stages that do
; not touch one another; a stage is one record, or a chain of records whose chunk c needs nothing
; but chunk c of the record before. A stage is claimed unit by unit (a unit is `grain` chunks).
;
; Nothing is ever reset, so nothing can be reset too early: the claims of one block run from
; step * size to (step + 1) * size, the units done of one group to (step + 1) * units. A thread
; that comes late finds every claim of an old step spent and every group done, and walks through.
; The barrier waits for units, not for threads: nobody waits for a thread that holds no unit.
;
; control (64-byte lines)          table (64-byte lines)
;   0    command   8 table  16 quit    0    gate: steps admitted * 2 + closed
;   64   bell (i32)  72 sleepers       64   end  72 origin  80 deadline  88 stop  96 first
;   128  the same for parked threads   128  groups  136 owners  144 group rows  152 stage rows
;   192  active  200 late events       160  record rows  168 claims  176 claim stride
;   208  spin ns 216 yield ns          184  done lines   192 timed  200 wide
;   224  turn ns 232 threads
;   240  soon ns 248 last late
;   256 + 64 t   seen, clock, state
; group row  4 x i64: first stage, last stage, units, wakes
; stage row  8 x i64: units, grain, chunks, first record, last record
; record row 4 x i64: kernel, operands, stride, nanoseconds
; claim row  4 x i64: counter, first unit, units

; Runs the units [%a, %b) of a stage: unit by unit through a chain, in one call otherwise.
define internal void @execute(ptr %table, ptr %stage, i64 %a, i64 %b, i64 %rel) {
entry:
  %pgrain = getelementptr i64, ptr %stage, i64 1
  %grain = load i64, ptr %pgrain
  %pchunks = getelementptr i64, ptr %stage, i64 2
  %chunks = load i64, ptr %pchunks
  %pr0 = getelementptr i64, ptr %stage, i64 3
  %r0 = load i64, ptr %pr0
  %pr1 = getelementptr i64, ptr %stage, i64 4
  %r1 = load i64, ptr %pr1
  %prows = getelementptr i8, ptr %table, i64 160
  %rows = load ptr, ptr %prows
  %ptimed = getelementptr i8, ptr %table, i64 192
  %timing = load i64, ptr %ptimed
  %timed = icmp ne i64 %timing, 0
  %length = sub i64 %r1, %r0
  %single = icmp eq i64 %length, 1
  %all = sub i64 %b, %a
  %stride = select i1 %single, i64 %all, i64 1
  br label %unit
unit:
  %u = phi i64 [ %a, %entry ], [ %u1, %unitend ]
  %u1 = add i64 %u, %stride
  %begin = mul i64 %u, %grain
  %past = mul i64 %u1, %grain
  %end = call i64 @llvm.smin.i64(i64 %past, i64 %chunks)
  br label %record
record:
  %r = phi i64 [ %r0, %unit ], [ %rnext, %recordend ]
  %o = shl i64 %r, 5
  %row = getelementptr i8, ptr %rows, i64 %o
  %kernel = load ptr, ptr %row
  %pops = getelementptr i64, ptr %row, i64 1
  %ops = load ptr, ptr %pops
  %pstep = getelementptr i64, ptr %row, i64 2
  %bytes = load i64, ptr %pstep
  %move = mul i64 %bytes, %rel
  %at = getelementptr i8, ptr %ops, i64 %move
  br i1 %timed, label %measured, label %plain
plain:
  call void %kernel(ptr %at, i64 %begin, i64 %end)
  br label %recordend
measured:
  %t0 = call i64 @now()
  call void %kernel(ptr %at, i64 %begin, i64 %end)
  %t1 = call i64 @now()
  %spent = sub i64 %t1, %t0
  %pspent = getelementptr i64, ptr %row, i64 3
  %sum = atomicrmw add ptr %pspent, i64 %spent monotonic
  br label %recordend
recordend:
  %rnext = add i64 %r, 1
  %rmore = icmp slt i64 %rnext, %r1
  br i1 %rmore, label %record, label %unitend
unitend:
  %umore = icmp slt i64 %u1, %b
  br i1 %umore, label %unit, label %done
done:
  ret void
}

; Claims and runs what is left of one owner's block of a stage; returns the units run.
define internal i64 @block(ptr %table, ptr %stage, ptr %claim, i64 %step, i64 %rel, i1 %whole) {
entry:
  %pfirst = getelementptr i64, ptr %claim, i64 1
  %first = load i64, ptr %pfirst
  %psize = getelementptr i64, ptr %claim, i64 2
  %size = load i64, ptr %psize
  %low = mul i64 %step, %size
  %limit = add i64 %low, %size
  %shift = sub i64 %first, %low
  %start = load atomic i64, ptr %claim monotonic, align 8
  br label %try
try:
  %cur = phi i64 [ %start, %entry ], [ %found, %lost ], [ %new, %won ]
  %count = phi i64 [ 0, %entry ], [ %count, %lost ], [ %count1, %won ]
  %left = icmp slt i64 %cur, %limit
  br i1 %left, label %take, label %done
take:
  %one = add i64 %cur, 1
  %new = select i1 %whole, i64 %limit, i64 %one
  %pair = cmpxchg ptr %claim, i64 %cur, i64 %new acq_rel monotonic, align 8
  %found = extractvalue { i64, i1 } %pair, 0
  %yes = extractvalue { i64, i1 } %pair, 1
  br i1 %yes, label %won, label %lost
lost:
  br label %try
won:
  %a = add i64 %cur, %shift
  %b = add i64 %new, %shift
  call void @execute(ptr %table, ptr %stage, i64 %a, i64 %b, i64 %rel)
  %n = sub i64 %new, %cur
  %count1 = add i64 %count, %n
  br label %try
done:
  ret i64 %count
}

; Runs blocks %from, %from + %by, ... of every stage of a group; returns the units run.
define internal i64 @blocks(ptr %table, ptr %group, i64 %step, i64 %rel, i64 %from, i64 %by,
                            i1 %whole) {
entry:
  %k0 = load i64, ptr %group
  %pk1 = getelementptr i64, ptr %group, i64 1
  %k1 = load i64, ptr %pk1
  %powners = getelementptr i8, ptr %table, i64 136
  %owners = load i64, ptr %powners
  %pstages = getelementptr i8, ptr %table, i64 152
  %stages = load ptr, ptr %pstages
  %pclaims = getelementptr i8, ptr %table, i64 168
  %claims = load ptr, ptr %pclaims
  %pstride = getelementptr i8, ptr %table, i64 176
  %stride = load i64, ptr %pstride
  br label %stage
stage:
  %k = phi i64 [ %k0, %entry ], [ %knext, %stageend ]
  %total = phi i64 [ 0, %entry ], [ %sum, %stageend ]
  %so = shl i64 %k, 6
  %srow = getelementptr i8, ptr %stages, i64 %so
  %co = shl i64 %k, 5
  br label %owner
owner:
  %w = phi i64 [ %from, %stage ], [ %wnext, %run ]
  %sum = phi i64 [ %total, %stage ], [ %sum1, %run ]
  %in = icmp slt i64 %w, %owners
  br i1 %in, label %run, label %stageend
run:
  %wo = mul i64 %w, %stride
  %offset = add i64 %wo, %co
  %claim = getelementptr i8, ptr %claims, i64 %offset
  %n = call i64 @block(ptr %table, ptr %srow, ptr %claim, i64 %step, i64 %rel, i1 %whole)
  %sum1 = add i64 %sum, %n
  %wnext = add i64 %w, %by
  br label %owner
stageend:
  %knext = add i64 %k, 1
  %more = icmp slt i64 %knext, %k1
  br i1 %more, label %stage, label %done
done:
  ret i64 %sum
}

; Adds units to those done; whoever completes the group wakes the sleepers it is worth waking.
define internal void @publish(ptr %control, ptr %group, ptr %done, i64 %n, i64 %target) {
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %add, label %end
add:
  %old = atomicrmw add ptr %done, i64 %n seq_cst
  %new = add i64 %old, %n
  %complete = icmp eq i64 %new, %target
  br i1 %complete, label %last, label %end
last:
  %pwakes = getelementptr i64, ptr %group, i64 3
  %wakes = load i64, ptr %pwakes
  %wake = icmp ne i64 %wakes, 0
  br i1 %wake, label %bell, label %end
bell:
  call void @ring(ptr %control, i64 0)
  br label %end
end:
  ret void
}

; One group of one step; returns true where the thread has been sent away.
define internal i1 @group(ptr %control, ptr %table, i64 %thread, i64 %g, i64 %step, i64 %rel) {
entry:
  %prows = getelementptr i8, ptr %table, i64 144
  %rows = load ptr, ptr %prows
  %ro = shl i64 %g, 5
  %row = getelementptr i8, ptr %rows, i64 %ro
  %pdone = getelementptr i8, ptr %table, i64 184
  %lines = load ptr, ptr %pdone
  %do = shl i64 %g, 6
  %done = getelementptr i8, ptr %lines, i64 %do
  %punits = getelementptr i64, ptr %row, i64 2
  %units = load i64, ptr %punits
  %step1 = add i64 %step, 1
  %target = mul i64 %step1, %units
  %pactive = getelementptr i8, ptr %control, i64 192
  %active = load atomic i64, ptr %pactive monotonic, align 8
  %sent = icmp sge i64 %thread, %active
  br i1 %sent, label %leave, label %own
own:
  %whole = icmp eq i64 %active, 1
  %n = call i64 @blocks(ptr %table, ptr %row, i64 %step, i64 %rel, i64 %thread, i64 %active,
                        i1 %whole)
  call void @publish(ptr %control, ptr %row, ptr %done, i64 %n, i64 %target)
  br label %brief
brief:
  %i = phi i64 [ 0, %own ], [ %i1, %rest ]
  %v = load atomic i64, ptr %done acquire, align 8
  %ok = icmp sge i64 %v, %target
  br i1 %ok, label %stay, label %check
check:
  %tired = icmp eq i64 %i, 8
  br i1 %tired, label %help, label %rest
rest:
  call void @relax()
  %i1 = add i64 %i, 1
  br label %brief
help:
  %m = call i64 @blocks(ptr %table, ptr %row, i64 %step, i64 %rel, i64 0, i64 1, i1 false)
  call void @publish(ptr %control, ptr %row, ptr %done, i64 %m, i64 %target)
  %active2 = load atomic i64, ptr %pactive monotonic, align 8
  %sent2 = icmp sge i64 %thread, %active2
  br i1 %sent2, label %leave, label %wait
wait:
  call void @await(ptr %control, i64 %thread, ptr %done, i64 %target, i64 1000000)
  br label %stay
stay:
  ret i1 false
leave:
  ret i1 true
}

; The step that a thread wanting step %want may enter, or -1 when the run is over. Whoever first
; asks for a new step decides for all: opened once, or closed for good.
define internal i64 @admit(ptr %table, i64 %want) {
entry:
  %pend = getelementptr i8, ptr %table, i64 64
  %pdeadline = getelementptr i8, ptr %table, i64 80
  %pstop = getelementptr i8, ptr %table, i64 88
  %pfirst = getelementptr i8, ptr %table, i64 96
  br label %look
look:
  %gate = load atomic i64, ptr %table acquire, align 8
  %steps = lshr i64 %gate, 1
  %open = icmp sgt i64 %steps, %want
  br i1 %open, label %enter, label %at
at:
  %bit = and i64 %gate, 1
  %closed = icmp ne i64 %bit, 0
  br i1 %closed, label %over, label %decide
decide:
  %end = load atomic i64, ptr %pend monotonic, align 8
  %stop = load atomic i64, ptr %pstop monotonic, align 8
  %first = load atomic i64, ptr %pfirst monotonic, align 8
  %finished = icmp sge i64 %steps, %end
  %stopped = icmp ne i64 %stop, 0
  %begun = icmp sgt i64 %steps, %first
  %now = call i64 @now()
  %deadline = load atomic i64, ptr %pdeadline monotonic, align 8
  %due = icmp sge i64 %now, %deadline
  %timeup = and i1 %due, %begun
  %c0 = or i1 %finished, %stopped
  %close = or i1 %c0, %timeup
  %shut = or i64 %gate, 1
  %more = add i64 %gate, 2
  %new = select i1 %close, i64 %shut, i64 %more
  %pair = cmpxchg ptr %table, i64 %gate, i64 %new acq_rel monotonic, align 8
  br label %look
enter:
  %latest = sub i64 %steps, 1
  ret i64 %latest
over:
  ret i64 -1
}
