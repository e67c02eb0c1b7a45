// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace netvsc::test {

/// A shared-memory name of this test's own, free at first and taken away at the end.
class ShmName {
public:
    ShmName() { ::unlink(path().c_str()); }
    ShmName(const ShmName &) = delete;
    ShmName &operator=(const ShmName &) = delete;
    ~ShmName() {
        ::unlink(path().c_str());
        ::rmdir(path().c_str());
    }

    [[nodiscard]] const std::string &name() const { return name_; }
    [[nodiscard]] std::string path() const { return "/dev/shm" + name_; }
    [[nodiscard]] bool exists() const {
        struct stat status{};
        return ::lstat(path().c_str(), &status) == 0;
    }

private:
    static unsigned next() {
        static std::atomic<unsigned> last = 0;
        return ++last;
    }
    std::string name_ = "/netvsc_test_" + std::to_string(::getpid()) + '_' + std::to_string(next());
};

} // namespace netvsc::test
