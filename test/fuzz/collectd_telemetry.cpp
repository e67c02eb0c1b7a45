// SPDX-License-Identifier: BSD-3-Clause
// The collectd plugin with an application that answers anything.
//
// The input is the application's messages, separated by newlines. In the first byte, bit 0: the
// first message is the greeting (else a proper one is sent); bit 1: messages are the values of
// proper answers (else whole answers). When they are used up the application closes.
#include "collector.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace netvsc;

constexpr std::string_view greeting =
    R"({"version":"DPDK 22.11.11","pid":1,"max_output_len":16384})";

class Messages {
public:
    explicit Messages(std::string_view text) : left_(text) {}
    [[nodiscard]] bool end() const { return left_.empty(); }
    std::string_view next() {
        const std::size_t size = std::min(left_.find('\n'), left_.size());
        const auto message = left_.substr(0, size);
        left_.remove_prefix(std::min(size + 1, left_.size()));
        return message;
    }

private:
    std::string_view left_;
};

void tell(int client, std::string_view message) {
    (void)::send(client, message.data(), message.size(), MSG_NOSIGNAL);
}

// Serves one client.
void serve(int client, Messages &messages, unsigned flags) {
    tell(client, (flags & 1U) != 0 ? messages.next() : greeting);
    std::array<char, 256> command;
    for (;;) {
        const ssize_t size = ::recv(client, command.data(), command.size(), 0);
        if (size <= 0 || messages.end())
            return;
        const auto message = messages.next();
        if ((flags & 2U) == 0) {
            tell(client, message);
            continue;
        }
        const std::string_view asked(command.data(), static_cast<std::size_t>(size));
        tell(client, "{\"" + std::string(asked.substr(0, asked.find(','))) +
                         "\":" + std::string(message) + "}");
    }
}

// The application's listening socket, made once.
class Listener {
public:
    Listener()
        : folder_(std::filesystem::temp_directory_path() /
                  ("netvsc-fuzz-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(folder_ / "rte");
        const std::string path = folder_ / "rte" / "dpdk_telemetry.v2";
        ::unlink(path.c_str());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        socket_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
        if (::bind(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
            ::listen(socket_, 8) != 0)
            std::abort();
    }
    Listener(const Listener &) = delete;
    Listener &operator=(const Listener &) = delete;
    ~Listener() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    [[nodiscard]] std::string folder() const { return folder_; }
    // -1: nobody is there
    [[nodiscard]] int accept() const { return ::accept(socket_, nullptr, nullptr); }

private:
    std::filesystem::path folder_;
    int socket_ = -1;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const Listener listener;
    if (size == 0)
        return 0;
    const unsigned flags = data[0];
    Messages messages({reinterpret_cast<const char *>(data) + 1, size - 1});

    std::atomic<bool> ended = false;
    std::jthread application([&] {
        while (!ended) {
            const int client = listener.accept();
            if (client < 0) {
                std::this_thread::yield();
                continue;
            }
            serve(client, messages, flags);
            ::close(client);
        }
    });
    {
        collectd::Config config{
            .link = collectd::LinkConfig{.notify = (flags & 4U) != 0, .port_names = {"a", "b"}},
            .keepalive = collectd::KeepaliveConfig{.notify = true,
                                                   .lcores = collectd::BitMask().set(),
                                                   .shm_name = "/netvsc_fuzz_nothing"}};
        collectd::Collector collector(std::move(config), listener.folder());
        for (int i = 0; i < 3; ++i) {
            const auto report = collector.read();
            for (const auto &notification : report.notifications) {
                if (notification.message.find('\n') != std::string::npos)
                    std::abort();
            }
        }
    }
    ended = true;
    return 0;
}
