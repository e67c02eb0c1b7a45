// SPDX-License-Identifier: BSD-3-Clause
#include "netlink/netlink_attributes.hpp"

#include <algorithm>
#include <cstring>
#include <linux/netlink.h>

#include <libmnl/libmnl.h>

namespace netvsc {

std::optional<NetlinkAttributes::Attribute>
NetlinkAttributes::next(std::span<const std::byte> &bytes) {
    const auto *attribute = reinterpret_cast<const nlattr *>(bytes.data());
    if (!mnl_attr_ok(attribute, static_cast<int>(bytes.size())))
        return std::nullopt;
    const Attribute result{.type = mnl_attr_get_type(attribute),
                           .payload =
                               bytes.subspan(sizeof(nlattr), mnl_attr_get_payload_len(attribute))};
    // The padding behind the last attribute may be missing.
    bytes = bytes.subspan(std::min<std::size_t>(MNL_ALIGN(attribute->nla_len), bytes.size()));
    return result;
}

bool NetlinkAttributes::fits(std::span<const std::byte> payload, const AttributePolicy &policy) {
    switch (policy.kind) {
    case AttributeKind::u8:
        return payload.size() == sizeof(std::uint8_t);
    case AttributeKind::u32:
        return payload.size() == sizeof(std::uint32_t);
    case AttributeKind::string:
        return !payload.empty() && payload.back() == std::byte{0};
    case AttributeKind::bytes:
        return true;
    case AttributeKind::nested:
        return parse(payload, policy.nested).has_value();
    case AttributeKind::array:
        return for_each(payload, [&](std::uint16_t, std::span<const std::byte> element) {
            return parse(element, policy.nested).has_value();
        });
    }
    return false;
}

std::optional<NetlinkAttributes> NetlinkAttributes::parse(std::span<const std::byte> bytes,
                                                          std::span<const AttributePolicy> policy) {
    NetlinkAttributes result;
    const bool valid = for_each(bytes, [&](std::uint16_t type, std::span<const std::byte> payload) {
        const auto wanted = std::ranges::find(policy, type, &AttributePolicy::type);
        if (wanted == policy.end())
            return true;
        result.found_.at(static_cast<std::size_t>(wanted - policy.begin())) = {.policy = &*wanted,
                                                                               .payload = payload};
        return fits(payload, *wanted);
    });
    return valid ? std::optional(result) : std::nullopt;
}

std::optional<NetlinkAttributes> NetlinkAttributes::parse(const nlmsghdr &message,
                                                          std::size_t header_size,
                                                          std::span<const AttributePolicy> policy) {
    const std::span whole(reinterpret_cast<const std::byte *>(&message), message.nlmsg_len);
    const std::size_t start = MNL_NLMSG_HDRLEN + MNL_ALIGN(header_size);
    return parse(whole.subspan(std::min(start, whole.size())), policy);
}

const NetlinkAttributes::Found *NetlinkAttributes::find(std::uint16_t type) const {
    const auto found = std::ranges::find_if(found_, [type](const Found &entry) {
        return entry.policy != nullptr && entry.policy->type == type;
    });
    return found == found_.end() ? nullptr : &*found;
}

std::optional<std::uint8_t> NetlinkAttributes::u8(std::uint16_t type) const {
    const auto *found = find(type);
    return found == nullptr ? std::nullopt
                            : std::optional(static_cast<std::uint8_t>(found->payload[0]));
}

std::optional<std::uint32_t> NetlinkAttributes::u32(std::uint16_t type) const {
    const auto *found = find(type);
    if (found == nullptr)
        return std::nullopt;
    std::uint32_t value = 0;
    std::memcpy(&value, found->payload.data(), sizeof value);
    return value;
}

std::optional<std::string_view> NetlinkAttributes::string(std::uint16_t type) const {
    const auto *found = find(type);
    if (found == nullptr)
        return std::nullopt;
    const std::string_view all(reinterpret_cast<const char *>(found->payload.data()),
                               found->payload.size());
    return all.substr(0, all.find('\0'));
}

std::optional<std::span<const std::byte>> NetlinkAttributes::bytes(std::uint16_t type) const {
    const auto *found = find(type);
    return found == nullptr ? std::nullopt : std::optional(found->payload);
}

std::optional<NetlinkAttributes> NetlinkAttributes::nested(std::uint16_t type) const {
    const auto *found = find(type);
    return found == nullptr ? std::nullopt : parse(found->payload, found->policy->nested);
}

} // namespace netvsc
