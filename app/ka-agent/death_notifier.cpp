// SPDX-License-Identifier: BSD-3-Clause
#include "ka-agent/death_notifier.hpp"

#include "base/system_call.hpp"
#include "keepalive/keepalive_layout.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace netvsc {
namespace {

[[noreturn]] void wait_for_deaths(int area, int pipe, pid_t parent) {
    // SIGBUS is expected: no core file.
    constexpr rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &none);
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent)
        ::_exit(1);
    void *memory = ::mmap(nullptr, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED, area, 0);
    if (memory == MAP_FAILED)
        ::_exit(1);
    auto *semaphore = reinterpret_cast<sem_t *>(static_cast<std::byte *>(memory) +
                                                KeepaliveLayout::semaphore_offset());
    for (;;) {
        if (retry_interrupted([&] { return ::sem_wait(semaphore); }) != 0)
            ::_exit(1);
        if (retry_interrupted([&] { return ::write(pipe, "!", 1); }) != 1)
            ::_exit(0);
    }
}

} // namespace

Result<DeathNotifier> DeathNotifier::start(const FileDescriptor &area) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return system_error("pipe2");
    FileDescriptor reader(ends[0]);
    const FileDescriptor writer(ends[1]);
    if (::fcntl(reader.get(), F_SETFL, O_NONBLOCK) != 0)
        return system_error("fcntl O_NONBLOCK");
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0)
        return system_error("fork");
    if (child == 0) {
        reader.reset();
        wait_for_deaths(area.get(), writer.get(), parent);
    }
    return DeathNotifier(std::move(reader), child);
}

DeathNotifier::~DeathNotifier() {
    if (child_ < 0)
        return;
    ::kill(child_, SIGKILL);
    retry_interrupted([&] { return ::waitpid(child_, nullptr, 0); });
}

DeathNotifier::Event DeathNotifier::read_events() const {
    std::array<char, 4096> bytes;
    // One read is enough: the next call reads the rest.
    const auto size = pipe_.read(bytes, "the pipe of deaths");
    if (!size)
        return Event::none; // EAGAIN
    return *size > 0 ? Event::death : Event::ended;
}

} // namespace netvsc
