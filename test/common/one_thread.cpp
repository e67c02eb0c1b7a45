// SPDX-License-Identifier: BSD-3-Clause
// Linked into a test program that has one thread: it cannot start another, neither itself nor by a
// library.
#include <cstdio>
#include <cstdlib>
#include <pthread.h>

extern "C" int pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                              void *) noexcept {
    std::fputs("This program starts a thread: take it off the list one_thread in "
               "test/unit/meson.build, so that "
               "ThreadSanitizer checks it.\n",
               stderr);
    std::abort();
}
