// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

struct nlmsghdr;

namespace netvsc {

/// The form of one attribute's payload.
enum class AttributeKind {
    u8,
    u32,
    string, ///< ends with NUL
    bytes,  ///< any size. Also for nested attributes whose policy depends on another attribute.
    nested, ///< attributes, by AttributePolicy::nested
    array,  ///< attributes of any type, each of them nested by AttributePolicy::nested
};

/// What a parser expects of one attribute type. Attributes without a policy are ignored.
struct AttributePolicy {
    std::uint16_t type = 0;
    AttributeKind kind = AttributeKind::bytes;
    std::span<const AttributePolicy> nested; ///< of AttributeKind::nested and array; static storage
};

/// The attributes of one netlink message or of one nested attribute, checked against a policy.
/// All parsers of netlink messages use it, so all of them are equally strict. Views the bytes it
/// was parsed from; the getters must be called with a type of the kind they name.
///
/// Source of the format: Documentation/userspace-api/netlink/intro.rst, linux/netlink.h.
class NetlinkAttributes {
public:
    static constexpr std::size_t max_policies = 8; ///< attribute types in one policy

    /// @param bytes  a stream of attributes, the first one aligned to four bytes
    /// @return nullopt if the length of an attribute does not fit, or if a payload is not of its
    ///         policy's kind. Of attributes of the same type the last one counts.
    [[nodiscard]] static std::optional<NetlinkAttributes>
    parse(std::span<const std::byte> bytes, std::span<const AttributePolicy> policy);
    /// The attributes of a message behind its family header.
    /// @param message      complete (see is_complete_message()), and its payload has at least
    ///                     @p header_size bytes
    /// @param header_size  bytes of the family's header (ifinfomsg, tcmsg, ...)
    [[nodiscard]] static std::optional<NetlinkAttributes>
    parse(const nlmsghdr &message, std::size_t header_size,
          std::span<const AttributePolicy> policy);

    [[nodiscard]] bool has(std::uint16_t type) const { return find(type) != nullptr; }
    /// These return nullopt for an attribute that the message lacks.
    [[nodiscard]] std::optional<std::uint8_t> u8(std::uint16_t type) const;
    [[nodiscard]] std::optional<std::uint32_t> u32(std::uint16_t type) const;
    /// Up to the first NUL.
    [[nodiscard]] std::optional<std::string_view> string(std::uint16_t type) const;
    [[nodiscard]] std::optional<std::span<const std::byte>> bytes(std::uint16_t type) const;
    [[nodiscard]] std::optional<NetlinkAttributes> nested(std::uint16_t type) const;

    /// Calls visit(const NetlinkAttributes &) for each element of an array attribute.
    template <typename Visit> void for_each_element(std::uint16_t type, Visit visit) const {
        const auto *found = find(type);
        if (found == nullptr)
            return;
        for_each(found->payload, [&](std::uint16_t, std::span<const std::byte> element) {
            if (const auto attributes = parse(element, found->policy->nested))
                visit(*attributes);
            return true;
        });
    }

private:
    struct Found {
        const AttributePolicy *policy = nullptr; ///< nullptr: the message lacks the attribute
        std::span<const std::byte> payload;
    };

    struct Attribute {
        std::uint16_t type = 0;
        std::span<const std::byte> payload;
    };
    /// Cuts the first attribute off @p bytes.
    /// @return nullopt if its length does not fit
    [[nodiscard]] static std::optional<Attribute> next(std::span<const std::byte> &bytes);

    /// Calls visit(type, payload) for each attribute. false: a length does not fit, or visit()
    /// returned false.
    template <typename Visit> static bool for_each(std::span<const std::byte> bytes, Visit visit) {
        while (!bytes.empty()) {
            const auto attribute = next(bytes);
            if (!attribute || !visit(attribute->type, attribute->payload))
                return false;
        }
        return true;
    }

    [[nodiscard]] static bool fits(std::span<const std::byte> payload,
                                   const AttributePolicy &policy);
    [[nodiscard]] const Found *find(std::uint16_t type) const;

    std::array<Found, max_policies> found_{}; ///< by the policy's order
};

} // namespace netvsc
