/* pubsub: one publishes, many subscribe, and none holds up the others.
 *
 *     make run DEMO=pubsub
 *
 * Each subscriber has a queue of its own, so each sees every message at its own
 * pace. A queue that is full tells that its subscriber is too slow: here it
 * loses the oldest message, and the publisher never waits. A subscription ends
 * with the scope that took it. */
#include "demo.h"

enum { BACKLOG = 2 };

struct subscription {
    struct subscription *next;
    async_queue queue;
    int array[BACKLOG];
    int lost;
};

struct topic { struct subscription *first; };

static async_status subscribe(struct topic *topic, struct subscription *it)
{
    async_queue_open(&it->queue, it->array, sizeof it->array[0], BACKLOG);
    it->lost = 0;
    it->next = topic->first;
    topic->first = it;
    return 0;
}

static void unsubscribe(struct topic *topic, struct subscription *it)
{
    struct subscription **at = &topic->first;

    while (*at != it) {
        at = &(*at)->next;
    }
    *at = it->next;
}

static void publish(struct topic *topic, int message)
{
    struct subscription *it;
    int oldest;

    for (it = topic->first; it != NULL; it = it->next) {
        if (async_queue_try_put(&it->queue, &message) == ASYNC_EAGAIN
            && async_queue_try_get(&it->queue, &oldest) == 0) {
            it->lost++;
            async_queue_try_put(&it->queue, &message);
        }
    }
}

static void close_topic(struct topic *topic)
{
    struct subscription *it;

    for (it = topic->first; it != NULL; it = it->next) {
        async_queue_shutdown(&it->queue);
    }
}

struct reader {
    async_frame frame;
    async_task task;
    struct topic *topic;
    struct subscription subscription;
    const char *name;
    int ms, most, message, rc;
};

static ASYNC reader(struct reader *self)
{
    struct subscription *mine = &self->subscription;

    ASYNC_BEGIN(self);
    ASYNC_WITH(subscribe(self->topic, mine), unsubscribe(self->topic, mine)) {
        for (; self->most > 0; self->most--) {
            AWAIT_RESULT(self->rc,
                         async_queue_get(&mine->queue, &self->message));
            if (self->rc < 0) {
                break;
            }
            say("  %s: message %d", self->name, self->message);
            AWAIT(async_sleep(ASYNC_MS(self->ms)));
        }
    } ASYNC_WITH_END;
    say("  %s leaves; lost: %d", self->name, mine->lost);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct topic topic;
    struct reader quick, slow, guest;
    int i;
};

static void start(struct program *self, struct reader *it, const char *name,
                  int ms, int most)
{
    it->topic = &self->topic;
    it->name = name;
    it->ms = ms;
    it->most = most;
    async_spawn(&it->task, reader, it);
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, &self->quick, "quick", 100, 99);
    start(self, &self->slow, "slow ", 2800, 99);
    start(self, &self->guest, "guest", 100, 2);
    for (self->i = 1; self->i <= 6; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(500)));
        publish(&self->topic, self->i);
    }
    AWAIT(async_sleep(ASYNC_MS(200)));
    say("the topic is closed");
    close_topic(&self->topic);
    AWAIT(async_join(&self->quick.task));
    AWAIT(async_join(&self->slow.task));
    AWAIT(async_join(&self->guest.task));
    say("nobody is subscribed: %s",
        self->topic.first == NULL ? "true" : "false");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("A message every half second, three subscribers");
    return async_run(program, &frame);
}
