// SPDX-License-Identifier: BSD-3-Clause
#include "netvsc-scheduled-events/metadata_client.hpp"

#include <utility>

namespace netvsc::scheduled {
namespace {

struct Answer {
    std::string body;
    bool too_large = false;
};

extern "C" std::size_t receive(const char *data, std::size_t one, std::size_t count, void *user) {
    auto &answer = *static_cast<Answer *>(user);
    const std::size_t size = one * count;
    answer.too_large = size > MetadataClient::max_answer - answer.body.size();
    if (answer.too_large)
        return 0;
    answer.body.append(data, size); // get() has reserved the memory: throws nothing
    return size;
}

} // namespace

std::expected<MetadataClient, std::string>
MetadataClient::create(std::string url, std::chrono::milliseconds timeout) {
    MetadataClient client;
    client.url_ = std::move(url);
    client.headers_.reset(curl_slist_append(nullptr, "Metadata: true"));
    client.handle_.reset(curl_easy_init());
    CURL *handle = client.handle_.get();
    const bool made =
        handle != nullptr && client.headers_ != nullptr &&
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, client.headers_.get()) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count())) ==
            CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK;
    if (!made)
        return std::unexpected(std::string("libcurl: out of memory, or built without HTTP"));
    return client;
}

std::expected<std::string, std::string> MetadataClient::get(const std::string &path) {
    const std::string url = url_ + path;
    const auto refuse = [&](const std::string &why) {
        return std::unexpected("GET " + url + ": " + why);
    };
    CURL *handle = handle_.get();
    Answer answer;
    answer.body.reserve(max_answer);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    if (curl_easy_setopt(handle, CURLOPT_URL, url.c_str()) != CURLE_OK)
        return refuse("out of memory");
    const CURLcode code = curl_easy_perform(handle);
    if (answer.too_large)
        return refuse("the answer has more than " + std::to_string(max_answer) + " bytes");
    if (code != CURLE_OK)
        return refuse(curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return refuse("HTTP status " + std::to_string(status));
    return std::move(answer.body);
}

} // namespace netvsc::scheduled
