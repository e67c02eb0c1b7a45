// SPDX-License-Identifier: BSD-3-Clause
#include "common/fake_application.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>

namespace netvsc::test {

std::string FakeApplication::Connection::receive() const {
    std::array<char, 1024> command;
    const ssize_t size = ::recv(socket_.get(), command.data(), command.size(), 0);
    return {command.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

void FakeApplication::Connection::send(const std::string &message) const {
    // A client that has disconnected is no error of the application.
    (void)::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
}

void FakeApplication::Connection::await_close() const {
    while (!receive().empty()) {
    }
}

void FakeApplication::Connection::close() const { ::shutdown(socket_.get(), SHUT_RDWR); }

FakeApplication::FakeApplication(std::filesystem::path path, Behaviour behaviour)
    : path_(std::move(path)), listener_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    std::filesystem::create_directories(path_.parent_path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 1) != 0)
        throw std::system_error(errno, std::generic_category(), path_);
    thread_ = std::jthread([this, behaviour = std::move(behaviour)] {
        for (;;) {
            const Connection client(
                FileDescriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
            {
                const std::scoped_lock lock(mutex_);
                if (!client.valid() || ended_)
                    return;
                current_ = &client;
            }
            behaviour(client);
            const std::scoped_lock lock(mutex_);
            current_ = nullptr;
        }
    });
}

FakeApplication::~FakeApplication() {
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
        if (current_ != nullptr)
            current_->close();
    }
    ::shutdown(listener_.get(), SHUT_RDWR); // accept() returns
    thread_.join();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

FakeApplication::Behaviour FakeApplication::answering(Answers answers) {
    return [answers = std::move(answers)](const Connection &client) {
        client.send(greeting);
        for (auto command = client.receive(); !command.empty(); command = client.receive())
            client.send(answers(command));
    };
}

} // namespace netvsc::test
