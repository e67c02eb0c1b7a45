// SPDX-License-Identifier: BSD-3-Clause
#include "netdev/rtnl_lock.hpp"

#include "base/file_descriptor.hpp"

#include <condition_variable>
#include <csignal>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <memory>
#include <mutex>
#include <net/if.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>

namespace netvsc {
namespace {

struct Attempt {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
};

// Any ethtool(8) request takes the lock (dev_ethtool() in Linux's net/ethtool/ioctl.c), whether the
// netdevice supports it or not.
void take_and_release(const FileDescriptor &socket) {
    ethtool_value link{.cmd = ETHTOOL_GLINK, .data = 0};
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_data = reinterpret_cast<char *>(&link);
    (void)::ioctl(socket.get(), SIOCETHTOOL, &request);
}

// nullptr: no thread or no socket can be had.
std::shared_ptr<Attempt> begin() {
    auto attempt = std::make_shared<Attempt>();
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid())
        return nullptr;
    // The application's signals are not for this thread.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([attempt, socket = std::move(socket)] {
            take_and_release(socket);
            const std::lock_guard lock(attempt->mutex);
            attempt->done = true;
            attempt->changed.notify_all();
        }).detach();
    } catch (const std::system_error &) {
        attempt = nullptr;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return attempt;
}

} // namespace

bool rtnl_available(std::chrono::milliseconds limit) {
    // Never destroyed: EAL's interrupt thread may call this until the process ends.
    static auto *const mutex = new std::mutex;
    static auto *const pending = new std::shared_ptr<Attempt>;
    std::shared_ptr<Attempt> attempt;
    {
        const std::lock_guard lock(*mutex);
        if (!*pending)
            *pending = begin();
        attempt = *pending;
    }
    if (!attempt)
        return true; // unknown: the caller goes on as without this check
    {
        std::unique_lock lock(attempt->mutex);
        if (!attempt->changed.wait_for(lock, limit, [&] { return attempt->done; }))
            return false;
    }
    const std::lock_guard lock(*mutex);
    if (*pending == attempt)
        pending->reset();
    return true;
}

} // namespace netvsc
