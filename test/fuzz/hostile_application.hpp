// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace netvsc {

/// An application that answers telemetry with what a fuzzer's input says, for as long as the
/// object lives. One at a time.
///
/// The input is the application's messages, separated by newlines. In the first byte, bit 0: the
/// first message is the greeting (else a proper one is sent); bit 1: messages are the values of
/// proper answers (else whole answers). When they are used up the application closes.
class HostileApplication {
public:
    HostileApplication(const std::uint8_t *data, std::size_t size)
        : flags_(size == 0 ? 0U : data[0]),
          left_(reinterpret_cast<const char *>(data) + (size == 0 ? 0 : 1),
                size == 0 ? 0 : size - 1),
          thread_([this] { run(); }) {}
    HostileApplication(const HostileApplication &) = delete;
    HostileApplication &operator=(const HostileApplication &) = delete;
    ~HostileApplication() { listener().end(true); }

    /// The further bits of the first byte.
    [[nodiscard]] unsigned flags() const { return flags_; }
    /// Where its runtime folder is.
    [[nodiscard]] static std::string folder() { return listener().folder(); }

private:
    /// The listening socket, made once.
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
            if (end_ < 0 ||
                ::bind(socket_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
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
        /// @return a client; -1: end(true) was called
        [[nodiscard]] int accept() const {
            for (;;) {
                std::array waited{pollfd{end_, POLLIN, 0}, pollfd{socket_, POLLIN, 0}};
                (void)::poll(waited.data(), waited.size(), -1);
                if (waited[0].revents != 0)
                    return -1;
                const int client = ::accept(socket_, nullptr, nullptr);
                if (client >= 0)
                    return client;
            }
        }
        void end(bool now) const {
            eventfd_t ignored;
            (void)(now ? ::eventfd_write(end_, 1) : ::eventfd_read(end_, &ignored));
        }

    private:
        std::filesystem::path folder_;
        const int end_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        int socket_ = -1;
    };

    static const Listener &listener() {
        static const Listener listener;
        return listener;
    }

    static void tell(int client, std::string_view message) {
        (void)::send(client, message.data(), message.size(), MSG_NOSIGNAL);
    }

    std::string_view next() {
        const std::size_t size = std::min(left_.find('\n'), left_.size());
        const auto message = left_.substr(0, size);
        left_.remove_prefix(std::min(size + 1, left_.size()));
        return message;
    }

    void run() {
        for (int client; (client = listener().accept()) >= 0; ::close(client))
            serve(client);
        listener().end(false);
    }

    void serve(int client) {
        constexpr std::string_view greeting =
            R"({"version":"DPDK 22.11.11","pid":1,"max_output_len":16384})";
        tell(client, (flags_ & 1U) != 0 ? next() : greeting);
        std::array<char, 256> command;
        for (;;) {
            const ssize_t size = ::recv(client, command.data(), command.size(), 0);
            if (size <= 0 || left_.empty())
                return;
            const auto message = next();
            if ((flags_ & 2U) == 0) {
                tell(client, message);
                continue;
            }
            const std::string_view asked(command.data(), static_cast<std::size_t>(size));
            tell(client, "{\"" + std::string(asked.substr(0, asked.find(','))) +
                             "\":" + std::string(message) + "}");
        }
    }

    const unsigned flags_;
    std::string_view left_;
    std::jthread thread_;
};

} // namespace netvsc
