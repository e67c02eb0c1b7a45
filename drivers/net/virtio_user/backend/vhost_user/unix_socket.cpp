// SPDX-License-Identifier: BSD-3-Clause
#include "backend/vhost_user/unix_socket.hpp"

#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace netvsc::virtio::vhost_user {
namespace {

Result<sockaddr_un> address_of(const std::string &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return failure(ENAMETOOLONG, "socket " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return address;
}

FileDescriptor new_socket() {
    return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A process that was killed leaves its socket file behind.
bool is_left_behind(const std::string &path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    const auto peer = connect_to(path);
    return !peer && peer.error().number == ECONNREFUSED;
}

} // namespace

Result<FileDescriptor> connect_to(const std::string &path) {
    const auto address = address_of(path);
    if (!address)
        return std::unexpected(address.error());
    FileDescriptor socket = new_socket();
    if (!socket.valid())
        return system_error("socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&*address), sizeof *address) !=
        0)
        return system_error("connect " + path);
    return socket;
}

Result<FileDescriptor> listen_at(const std::string &path) {
    const auto address = address_of(path);
    if (!address)
        return std::unexpected(address.error());
    FileDescriptor socket = new_socket();
    if (!socket.valid())
        return system_error("socket");
    const auto bind = [&] {
        return ::bind(socket.get(), reinterpret_cast<const sockaddr *>(&*address),
                      sizeof *address) == 0;
    };
    if (!bind()) {
        auto failed = system_error("bind " + path);
        if (failed.error().number != EADDRINUSE || !is_left_behind(path) ||
            ::unlink(path.c_str()) != 0 || !bind())
            return failed;
    }
    if (::listen(socket.get(), 1) != 0) {
        auto failed = system_error("listen " + path);
        ::unlink(path.c_str());
        return failed;
    }
    return socket;
}

} // namespace netvsc::virtio::vhost_user
