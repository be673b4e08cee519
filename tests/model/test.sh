#!/bin/sh
# Random programs against the reference model, in several configurations.
#   FULL=1   more of them, and more programs
# A failing seed is shown with its program, cut down to what fails; replay it:
#   build/test/model/NAME SEED
out=build/test/model
mkdir -p $out
warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
source=model            # the program with the model in it: $source.c
. tests/lanes.sh

# What a program does not use is no work for the compiler.
one_model() {
    name=$1 seeds=$2
    shift 2
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skip model_$name: no $1"
    elif ! "$@" -DASYNC_STATIC $warn -o $out/$name tests/model/$source.c \
             -lpthread; then
        echo "FAIL model_$name: it does not compile"
    elif timeout 300 $out/$name 1 "$seeds" > $out/$name.log 2> $out/$name.err; then
        sed 's/^ */  /' $out/$name.log
        echo "ok model_$name"
    else
        grep -v '^async: deadlock\|^  task \|^    in ' $out/$name.err | head -n 20
        grep -v '^FAIL' $out/$name.log
        echo "FAIL model_$name: $(grep '^FAIL' $out/$name.log)"
    fi
}

# It is over when a seed fails, or when it hangs: that a program has nothing
# more to compute is a failure of its own.
one_mutant() {
    name=$1 from=$2 to=$3 file=$4 dir=$out/mutant-$1
    rm -rf $dir
    mkdir -p $dir/src $dir/tests/model
    cp src/*.h src/*.c $dir/src
    cp tests/model/$source.c $dir/tests/model
    sed "s/$from/$to/" src/$file > $dir/src/$file
    if cmp -s src/$file $dir/src/$file; then
        echo "FAIL model_notices_$name: nothing to change in $file"
    elif ! gcc -std=c99 -O0 -DASYNC_STATIC -o $dir/model \
             $dir/tests/model/$source.c -lpthread 2>/dev/null; then
        echo "FAIL model_notices_$name: it does not compile"
    elif { (ulimit -t 5; timeout 60 $dir/model 1 20000); } >/dev/null 2>&1
    then
        echo "FAIL model_notices_$name: it does not"
    else
        echo "ok model_notices_$name"
    fi
    rm -rf $dir
}

# model NAME SEEDS COMPILER FLAGS...
model() { lane one_model "$@"; }

# mutant NAME FROM TO FILE: the test of the test. A library that forgets one
# rule, a line of FILE, must be caught.
mutant() { lane one_mutant "$@"; }

model ticks64 30000${FULL:+0} ${CC:-cc} -std=c99 -O2
model ticks16 20000 ${CC:-cc} -std=c99 -O1 -DASYNC_TICK_BITS=16
model board 5000 ${CC:-cc} -std=c99 -Os -DASYNC_HOSTED=0 -DASYNC_TICK_BITS=16
if [ -n "$FULL" ]; then
    model ticks16_many 200000 clang -std=c99 -O2 -DASYNC_TICK_BITS=16
    model ticks32 100000 gcc -std=c99 -O2 -DASYNC_TICK_BITS=32
    model list 100000 gcc -std=c99 -O2 -DASYNC_TIMER_WHEEL=0
    model forward 100000 gcc -std=c99 -O2 -DASYNC_TIMER_WHEEL=0 \
        -DASYNC_BACKLINKS=0 -DASYNC_DEBUG=1
    model freestanding 100000 gcc -std=c99 -O2 -DASYNC_HOSTED=0
    model goto 50000 gcc -std=gnu99 -O2 -DASYNC_COMPUTED_GOTO=1
    model debug_san 20000 gcc -std=c99 -O0 -g -DASYNC_DEBUG=1 \
        -fsanitize=address,undefined -fno-sanitize-recover=all
    mutant outer_deadline '!outer' 'true' scope.c
    mutant inside_cancel '(node->state \& ASYNC_CANCELED_) == 0' 'true' scope.c
    mutant own_strike 'if (!undelivered)' 'if (false)' scope.c
    mutant forwarding 'async_cancel(target)' '(void)0' join.c
    mutant circle 'return target == task' 'return false' join.c
    mutant granted_sleep 'becomes = ASYNC_READY_;' ';' task.c
    mutant coalescing '(node->state \& ASYNC_PENDING_) != 0' 'false' task.c
    mutant moved_deadline '(now - base)' '(now - base) * 0' timeout.c
fi

# Queues, beside plain arrays.
source=queue
model queue 100000 ${CC:-cc} -std=c99 -O2
model queue_board 5000 ${CC:-cc} -std=c99 -Os -DASYNC_HOSTED=0
if [ -n "$FULL" ]; then
    model queue_forward 100000 gcc -std=c99 -O2 -DASYNC_TIMER_WHEEL=0 \
        -DASYNC_BACKLINKS=0 -DASYNC_DEBUG=1
    model queue_freestanding 100000 gcc -std=c99 -O2 -DASYNC_HOSTED=0
    model queue_san 20000 gcc -std=c99 -O0 -g -DASYNC_DEBUG=1 \
        -fsanitize=address,undefined -fno-sanitize-recover=all
    mutant queue_promise 'queue->promised++' '(void)0' queue.c
    mutant queue_slot 'queue->reserved++' '(void)0' queue.c
    mutant queue_line '\*woken == 0 || queue->shut' 'true' queue.c
    mutant queue_poll ' || ASYNC_STRUCK_P_(task)) {' ') {' queue.c
    mutant queue_serve 'if (!async_queue_full(queue)' 'if (false' queue.c
    mutant queue_ring 'at -= queue->capacity' 'at -= queue->capacity - 1' queue.c
    mutant queue_heap '(hole - 1) \/ 2' 'hole \/ 2' queue_priority.c
    mutant queue_join 'async_queue_finished_(queue);$' ';' queue.c
fi

# Events, locks, semaphores, conditions and barriers, beside plain numbers.
source=sync
model sync 30000 ${CC:-cc} -std=c99 -O2
model sync_board 3000 ${CC:-cc} -std=c99 -Os -DASYNC_HOSTED=0
if [ -n "$FULL" ]; then
    model sync_many 500000 clang -std=c99 -O2
    model sync_forward 100000 gcc -std=c99 -O2 -DASYNC_TIMER_WHEEL=0 \
        -DASYNC_BACKLINKS=0 -DASYNC_DEBUG=1
    model sync_freestanding 100000 gcc -std=c99 -O2 -DASYNC_HOSTED=0
    model sync_san 20000 gcc -std=c99 -O0 -g -DASYNC_DEBUG=1 \
        -fsanitize=address,undefined -fno-sanitize-recover=all
    mutant event_all 'while (async_wake' 'if (async_wake' event.c
    mutant event_set 'event->set) {' 'false) {' event.c
    mutant lock_handed_over 'lock->owner = next' 'lock->owner = NULL' lock.c
    mutant lock_deaf 'result = next->timer.u.result' 'result = 0' lock.c
    mutant lock_self 'lock->owner == task' 'false' lock.c
    mutant semaphore_token 'semaphore->value++;' ';' semaphore.c
    mutant semaphore_twice 'if (!async_wake_one_(.*) {' \
        'if (async_wake_one_(\&semaphore->waiters, 0), true) {' semaphore.c
    mutant condition_deaf 'async_set_state_(task, ASYNC_DEAF_)' '(void)0' \
        condition.c
    mutant condition_notified 'lock, 0)' 'lock, ASYNC_CANCEL)' condition.c
    mutant condition_struck 'lock, ASYNC_CANCEL)' 'lock, 0)' condition.c
    mutant barrier_struck '&& async_barrier_waiting(barrier)' \
        '|| INT_MAX' barrier.c
    mutant barrier_left '        barrier->arrived--;$' ';' barrier.c
    mutant barrier_index 'result += step' 'result += 0' barrier.c
    mutant cancel_deaf 'list->tail = node' '(void)0' loop_close.c
fi

# Gather, race, wait, groups and pools, beside a second executor.
source=several
model several 100000 ${CC:-cc} -std=c99 -O2
if [ -n "$FULL" ]; then
    model several_many 1000000 clang -std=c99 -O2
    model several_forward 100000 gcc -std=c99 -O2 -DASYNC_TIMER_WHEEL=0 \
        -DASYNC_BACKLINKS=0 -DASYNC_DEBUG=1
    model several_freestanding 100000 gcc -std=c99 -O2 -DASYNC_HOSTED=0
    model several_san 20000 gcc -std=c99 -O0 -g -DASYNC_DEBUG=1 \
        -fsanitize=address,undefined -fno-sanitize-recover=all
    mutant gather_twice 'if ((\*state \& ASYNC_FORWARDED_) == 0) {' \
        'if (true) {' gather.c
    mutant gather_once ' | ASYNC_FORWARDED_)) == ASYNC_STRIKE_' \
        ')) == ASYNC_STRIKE_' gather.c
    mutant gather_struck 'rc == ASYNC_ECANCELED' 'rc == 0' gather.c
    mutant gather_before '\~(unsigned)ASYNC_ENDED_CANCELED_' '~0u' gather.c
    mutant wait_first_error 'set->error == 0$' 'true' wait.c
    mutant wait_leaves 'async_ring_remove_(&waiters' '(void)(\&waiters' wait.c
    mutant group_first_error 'if (group->error == 0)' 'if (true)' group.c
    mutant group_cancel 'group->outcome == ASYNC_CANCEL ?' 'false ?' group.c
    mutant group_block 'closes \&\& group->scope.task != NULL' 'false' group.c
    mutant group_rest '(void)async_group_strike_(group, closing);' ';' group.c
    mutant group_struck 'return async_deliver_(task);' 'return rc;' group.c
    mutant pool_line 'pool->takers.tail != NULL' 'false' pool.c
    mutant pool_back 'pool->busy--;' ';' pool.c
fi

# Timed calls, beside a table of what is due.
source=calls
model calls 20000 ${CC:-cc} -std=c99 -O2
model calls_ticks16 20000 ${CC:-cc} -std=c99 -O1 -DASYNC_TICK_BITS=16
if [ -n "$FULL" ]; then
    model calls_many 50000 clang -std=c99 -O2 -DASYNC_TIMER_WHEEL=0
    model calls_freestanding 50000 gcc -std=c99 -O2 -DASYNC_HOSTED=0
    model calls_san 20000 clang -std=c99 -O0 -g -DASYNC_DEBUG=1 \
        -DASYNC_SLOW_MS=0 -fsanitize=address,undefined \
        -fno-sanitize-recover=all
    mutant call_soon '? duration : 1' '? duration : 0' call.c
    mutant call_again 'node.state = 0;   ' 'node.state |= 0;  ' call.c
    mutant call_pending 'if (call->alarm.timer.node.state == ASYNC_ALARM_)' \
        'if (false)' call.c
    mutant call_cancelled 'async_timer_remove_(' '(void)(' call.c
    mutant call_no_task 'async_this_task_ = NULL;  ' ';' call.c
fi
lanes_end
