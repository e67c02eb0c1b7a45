// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <curl/curl.h>
#include <expected>
#include <memory>
#include <string>

namespace netvsc::scheduled {

/// Reads Azure's Instance Metadata Service by HTTP. It only sends GET requests, uses no proxy and
/// follows no redirection, as the service requires. One thread at a time.
class MetadataClient {
public:
    /// @param url      of the service, "http://169.254.169.254"
    /// @param timeout  limit for each request
    /// @return or else a message
    [[nodiscard]] static std::expected<MetadataClient, std::string>
    create(std::string url, std::chrono::milliseconds timeout);

    /// @param path  with its query: "/metadata/scheduledevents?api-version=2020-07-01"
    /// @return the body of the answer with status 200, or else a message
    [[nodiscard]] std::expected<std::string, std::string> get(const std::string &path);

    /// Limit for an answer, in bytes. An event has less than 1 KiB.
    static constexpr std::size_t max_answer = std::size_t{1} << 18;

private:
    struct Free {
        void operator()(CURL *handle) const { curl_easy_cleanup(handle); }
        void operator()(curl_slist *list) const { curl_slist_free_all(list); }
    };

    MetadataClient() = default;

    std::string url_;
    std::unique_ptr<curl_slist, Free> headers_; // outlives the handle, which uses it
    std::unique_ptr<CURL, Free> handle_;
};

} // namespace netvsc::scheduled
