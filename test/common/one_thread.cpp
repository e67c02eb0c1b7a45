// SPDX-License-Identifier: BSD-3-Clause
// Linked into a test program that has one thread: neither it nor a library can start another.
#include <cstdio>
#include <cstdlib>
#include <pthread.h>

extern "C" int pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                              void *) noexcept {
    std::fputs("This program starts a thread, which ThreadSanitizer has to check: take it off the "
               "list one_thread in test/unit/meson.build.\n",
               stderr);
    std::abort();
}
