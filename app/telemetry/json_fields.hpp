// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace netvsc {

/// @p value as a T (bool, an integer type, double or std::string), or nullopt if it has another
/// type or does not fit. Throws only std::bad_alloc, unlike nlohmann's get().
template <typename T> [[nodiscard]] std::optional<T> json_as(const nlohmann::json &value) {
    if constexpr (std::same_as<T, bool>) {
        if (const auto *held = value.get_ptr<const bool *>())
            return *held;
    } else if constexpr (std::same_as<T, std::string>) {
        if (const auto *held = value.get_ptr<const std::string *>())
            return *held;
    } else if constexpr (std::floating_point<T>) {
        if (value.is_number())
            return value.get<T>();
    } else {
        // Unsigned first: nlohmann::json counts an unsigned number as an integer too.
        if (const auto *large = value.get_ptr<const nlohmann::json::number_unsigned_t *>()) {
            if (std::in_range<T>(*large))
                return static_cast<T>(*large);
        } else if (const auto *held = value.get_ptr<const nlohmann::json::number_integer_t *>()) {
            if (std::in_range<T>(*held))
                return static_cast<T>(*held);
        }
    }
    return std::nullopt;
}

/// The member @p key of @p object as a T; nullopt also if @p object is no object or has no such
/// key.
template <typename T>
[[nodiscard]] std::optional<T> json_field(const nlohmann::json &object, const char *key) {
    if (!object.is_object())
        return std::nullopt;
    const auto member = object.find(key);
    return member == object.end() ? std::nullopt : json_as<T>(*member);
}

} // namespace netvsc
