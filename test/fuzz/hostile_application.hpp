// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "common/fake_application.hpp"
#include "common/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace netvsc {

/// An application that answers telemetry with a fuzzer's input, for as long as the object lives.
/// One at a time.
///
/// The input is the application's messages, separated by newlines. In the first byte, bit 0: the
/// first message is the greeting (else a proper one is sent); bit 1: messages are the values of
/// proper answers (else whole answers). After the last message the application closes the
/// connection.
class HostileApplication {
public:
    HostileApplication(const std::uint8_t *data, std::size_t size)
        : flags_(size == 0 ? 0U : data[0]),
          left_(reinterpret_cast<const char *>(data) + (size == 0 ? 0 : 1),
                size == 0 ? 0 : size - 1),
          application_(temporary_folder().path() / "rte" / "dpdk_telemetry.v2",
                       [this](const auto &client) { serve(client); }) {}

    /// The further bits of the first byte.
    [[nodiscard]] unsigned flags() const { return flags_; }
    /// The parent of its runtime folder.
    [[nodiscard]] static std::string folder() { return temporary_folder().path(); }

private:
    using Connection = test::FakeApplication::Connection;

    static const test::TemporaryFolder &temporary_folder() {
        static const test::TemporaryFolder folder;
        return folder;
    }

    std::string next() {
        const std::size_t size = std::min(left_.find('\n'), left_.size());
        const std::string message(left_.substr(0, size));
        left_.remove_prefix(std::min(size + 1, left_.size()));
        return message;
    }

    void serve(const Connection &client) {
        client.send((flags_ & 1U) != 0 ? next() : test::FakeApplication::greeting);
        for (;;) {
            const std::string command = client.receive();
            if (command.empty() || left_.empty())
                return;
            std::string message = next();
            if ((flags_ & 2U) != 0)
                message = "{\"" + command.substr(0, command.find(',')) + "\":" + message + "}";
            client.send(message);
        }
    }

    const unsigned flags_;
    std::string_view left_;
    test::FakeApplication application_; ///< last: its thread uses the others
};

} // namespace netvsc
