// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <libmnl/libmnl.h>

namespace netvsc {

/// A netlink request under construction, with the header of its family (ifinfomsg, tcmsg, ...).
/// Its attributes must fit `capacity` bytes, headers included.
template <typename FamilyHeader, std::size_t capacity = 1024> class NetlinkRequest {
public:
    /// @param type   RTM_GETLINK, ...
    /// @param flags  NLM_F_DUMP, NLM_F_ACK, ...; NLM_F_REQUEST is added
    NetlinkRequest(std::uint16_t type, std::uint16_t flags) {
        nlmsghdr *header = mnl_nlmsg_put_header(buffer_.data());
        header->nlmsg_type = type;
        header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        mnl_nlmsg_put_extra_header(header, sizeof(FamilyHeader));
    }

    [[nodiscard]] nlmsghdr &header() { return *reinterpret_cast<nlmsghdr *>(buffer_.data()); }
    [[nodiscard]] FamilyHeader &family_header() {
        return *static_cast<FamilyHeader *>(mnl_nlmsg_get_payload(&header()));
    }
    [[nodiscard]] std::span<const std::byte> bytes() {
        return std::as_bytes(std::span(buffer_).first(header().nlmsg_len));
    }

    void put_string(std::uint16_t type, const std::string &text) {
        mnl_attr_put_strz(&header(), type, text.c_str());
    }
    void put_bytes(std::uint16_t type, std::string_view bytes) {
        mnl_attr_put(&header(), type, bytes.size(), bytes.data());
    }
    /// An integer or a structure of the kernel's headers.
    template <typename T> void put_value(std::uint16_t type, const T &value) {
        mnl_attr_put(&header(), type, sizeof value, &value);
    }
    /// A nested attribute whose content fill() puts.
    template <typename Fill> void put_nested(std::uint16_t type, Fill fill) {
        nlattr *start = mnl_attr_nest_start(&header(), type);
        fill();
        mnl_attr_nest_end(&header(), start);
    }

private:
    alignas(nlmsghdr) std::array<char, capacity> buffer_{};
};

} // namespace netvsc
