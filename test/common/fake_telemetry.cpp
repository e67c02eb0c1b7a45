// SPDX-License-Identifier: BSD-3-Clause
//
// The telemetry of a DPDK application, for the tests of the tools.
//
// usage: fake_telemetry SOCKET [FILE]
// Appends each command that it receives to FILE, as a line.
// Each line of standard input replaces all answers: a JSON object by command, with or without the
// command's parameter. Other commands have the answer null. An empty line: the application hangs
// from now on. Prints "ready" when it listens and after each line. Ends with its standard input.
#include "common/fake_application.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>

namespace {

using netvsc::test::FakeApplication;
using nlohmann::json;

class Answers {
public:
    explicit Answers(const char *requests) {
        if (requests != nullptr)
            requests_.open(requests, std::ios::app);
    }
    void replace(json answers) {
        const std::scoped_lock lock(mutex_);
        answers_ = std::move(answers);
    }
    /// @return the complete answer; empty if the application hangs
    [[nodiscard]] std::string to(const std::string &command) {
        const std::scoped_lock lock(mutex_);
        requests_ << command << '\n' << std::flush;
        if (answers_.is_null())
            return "";
        const std::string name = command.substr(0, command.find(','));
        auto found = answers_.find(command);
        if (found == answers_.end())
            found = answers_.find(name);
        return json{{name, found == answers_.end() ? json() : *found}}.dump();
    }

private:
    std::mutex mutex_;
    json answers_ = json::object();
    std::ofstream requests_;
};

void serve(const FakeApplication::Connection &client, Answers &answers) {
    client.send(FakeApplication::greeting);
    for (auto command = client.receive(); !command.empty(); command = client.receive()) {
        if (const auto answer = answers.to(command); !answer.empty())
            client.send(answer);
    }
}

} // namespace

int main(int count, char **arguments) {
    if (count != 2 && count != 3) {
        std::cerr << "usage: fake_telemetry SOCKET [FILE]\n";
        return 2;
    }
    try {
        Answers answers(arguments[2]);
        const FakeApplication application(
            arguments[1], [&answers](const auto &client) { serve(client, answers); });
        std::cout << "ready\n" << std::flush;
        for (std::string line; std::getline(std::cin, line);) {
            answers.replace(line.empty() ? json() : json::parse(line));
            std::cout << "ready\n" << std::flush;
        }
    } catch (const std::exception &error) {
        std::cerr << "fake_telemetry: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
