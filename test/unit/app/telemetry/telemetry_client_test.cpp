// SPDX-License-Identifier: BSD-3-Clause
#include "common/fake_application.hpp"
#include "common/temporary_folder.hpp"
#include "telemetry/json_fields.hpp"
#include "telemetry/telemetry_client.hpp"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace netvsc {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;
using test::FakeApplication;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Connection = FakeApplication::Connection;

// Long enough for a busy machine. No test waits until it ends.
constexpr auto patience = 20s;
constexpr auto soon = 50ms;

std::string answer_to(const std::string &command, const json &value) {
    return json{{command.substr(0, command.find(',')), value}}.dump();
}

class TelemetryClientTest : public testing::Test {
protected:
    Result<TelemetryClient> connect(steady_clock::duration patience_for = patience) {
        return TelemetryClient::connect(path_, steady_clock::now() + patience_for);
    }
    static Result<json> query(TelemetryClient &client, std::string_view command,
                              steady_clock::duration patience_for = patience) {
        return client.query(command, steady_clock::now() + patience_for);
    }
    // The errno value of the query "/x" to an application with this behaviour after its greeting.
    int error_of_query(const FakeApplication::Behaviour &behaviour) {
        const FakeApplication application(path_, [&](const Connection &client) {
            client.send(FakeApplication::greeting);
            behaviour(client);
        });
        auto client = connect();
        EXPECT_TRUE(client) << client.error().message();
        const auto answer = query(*client, "/x");
        EXPECT_FALSE(answer);
        EXPECT_FALSE(client->connected());
        EXPECT_EQ(query(*client, "/x").error().number, ENOTCONN);
        return answer.error().number;
    }
    int error_of_greeting(const std::string &greeting) {
        const FakeApplication application(path_,
                                          [&](const Connection &client) { client.send(greeting); });
        const auto client = connect();
        EXPECT_FALSE(client) << greeting;
        return client.error().number;
    }

    TemporaryFolder folder_;
    std::string path_ = folder_.path() / "rte" / "dpdk_telemetry.v2";
};

TEST_F(TelemetryClientTest, ReadsGreetingAndAnswers) {
    const FakeApplication application(
        path_, FakeApplication::answering([](const std::string &command) {
            return answer_to(command, command == "/ethdev/list" ? json{0, 1} : json(command));
        }));
    auto client = connect();
    ASSERT_TRUE(client) << client.error().message();
    EXPECT_EQ(client->greeting().version, "DPDK 22.11.11");
    EXPECT_EQ(client->greeting().pid, 4711);
    EXPECT_EQ(client->greeting().max_output, 16384U);
    EXPECT_EQ(query(*client, "/ethdev/list"), json::parse("[0,1]"));
    EXPECT_EQ(query(*client, "/ethdev/info,7"), json("/ethdev/info,7"));
}

TEST_F(TelemetryClientTest, GivesNullForWhatTheApplicationCannotDo) {
    const FakeApplication application(path_, FakeApplication::answering([](const auto &command) {
                                          return answer_to(command, nullptr);
                                      }));
    auto client = connect();
    ASSERT_TRUE(client);
    EXPECT_EQ(query(*client, "/ethdev/info,9"), json(nullptr));
}

TEST_F(TelemetryClientTest, FailsWithoutApplication) {
    EXPECT_EQ(connect().error().number, ENOENT);
    {
        const FakeApplication application(path_, [](const Connection &) {});
    }
    // A killed application leaves a socket without a listener.
    const FileDescriptor left(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(left.get(), reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
    const auto refused = connect();
    EXPECT_EQ(refused.error().number, ECONNREFUSED);
    EXPECT_THAT(refused.error().message(), HasSubstr(path_));
}

TEST_F(TelemetryClientTest, RefusesAPathTooLongForASocket) {
    path_ = "/" + std::string(200, 'a');
    EXPECT_EQ(connect().error().number, ENAMETOOLONG);
}

TEST_F(TelemetryClientTest, DoesNotWaitForeverForAGreeting) {
    const FakeApplication application(path_,
                                      [](const Connection &client) { client.await_close(); });
    EXPECT_EQ(connect(soon).error().number, ETIMEDOUT);
}

TEST_F(TelemetryClientTest, DoesNotWaitForeverToBeAccepted) {
    std::latch end(1);
    {
        const FakeApplication application(path_, [&](const Connection &) { end.wait(); });
        std::vector<FileDescriptor> queued; // fill the queue of connections
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        do {
            queued.emplace_back(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
        } while (queued.size() < 100 &&
                 ::connect(queued.back().get(), reinterpret_cast<sockaddr *>(&address),
                           sizeof address) == 0);
        ASSERT_EQ(errno, EAGAIN);
        EXPECT_EQ(connect(soon).error().number, ETIMEDOUT);
        end.count_down();
    }
}

TEST_F(TelemetryClientTest, RefusesWhatIsNoGreeting) {
    EXPECT_EQ(error_of_greeting("hello"), EPROTO);
    EXPECT_EQ(error_of_greeting("[]"), EPROTO);
    EXPECT_EQ(error_of_greeting(R"({"version":"DPDK 22.11.11","pid":1})"), EPROTO);
    EXPECT_EQ(error_of_greeting(R"({"version":3,"pid":1,"max_output_len":16384})"), EPROTO);
    EXPECT_EQ(error_of_greeting(R"({"version":"x","pid":1,"max_output_len":0})"), EPROTO);
    EXPECT_EQ(error_of_greeting(R"({"version":"x","pid":1,"max_output_len":-1})"), EPROTO);
    EXPECT_EQ(error_of_greeting(R"({"version":"x","pid":99999999999,"max_output_len":1})"), EPROTO);
    EXPECT_EQ(error_of_greeting(std::string(5000, ' ')), EMSGSIZE);
}

/// The application and its client are of these users.
class OfTwoUsersTest : public TelemetryClientTest {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root, to become other users";
    }
    void TearDown() override { become(0); }

    // Of all threads.
    static void become(uid_t user) {
        ASSERT_EQ(::seteuid(0), 0);
        ASSERT_EQ(::seteuid(user), 0);
    }
    Result<TelemetryClient> connect_as(uid_t client, uid_t application_of) {
        become(0);
        std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
        // Like /tmp: any user may create files there and connect to sockets.
        const auto anybody = std::filesystem::perms::all;
        std::filesystem::permissions(folder_.path(), anybody);
        std::filesystem::permissions(std::filesystem::path(path_).parent_path(), anybody);
        become(application_of);
        const FakeApplication application(path_, [](const Connection &connection) {
            connection.send(FakeApplication::greeting);
            connection.await_close();
        });
        std::filesystem::permissions(path_, anybody);
        become(client);
        auto connected = connect();
        become(0);
        return connected;
    }
};

TEST_F(OfTwoUsersTest, AnotherUsersApplicationIsNotBelieved) {
    const auto client = connect_as(1001, 1002);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().number, EPERM);
    EXPECT_THAT(client.error().message(), HasSubstr("belongs to user 1002, who is not trusted"));
}

TEST_F(OfTwoUsersTest, RootsAndOnesOwnAre) {
    EXPECT_TRUE(connect_as(1001, 0));
    EXPECT_TRUE(connect_as(1001, 1001));
}

TEST_F(OfTwoUsersTest, RootBelievesWhatIsInItsOwnFolder) { EXPECT_TRUE(connect_as(0, 1002)); }

TEST_F(TelemetryClientTest, ReportsThatTheApplicationHasTooManyClients) {
    const FakeApplication application(path_, [](const Connection &) {});
    EXPECT_EQ(connect().error().number, ECONNRESET);
}

TEST_F(TelemetryClientTest, SeesTheApplicationDieInsteadOfAnAnswer) {
    EXPECT_EQ(error_of_query([](const Connection &client) { (void)client.receive(); }), ECONNRESET);
}

TEST_F(TelemetryClientTest, SeesTheApplicationDieBeforeTheQuery) {
    std::latch died(1);
    const FakeApplication application(path_, [&](const Connection &client) {
        client.send(FakeApplication::greeting);
        client.close();
        died.count_down();
    });
    auto client = connect();
    ASSERT_TRUE(client);
    died.wait();
    EXPECT_FALSE(query(*client, "/x"));
    EXPECT_FALSE(client->connected());
}

TEST_F(TelemetryClientTest, RefusesMalformedAnswers) {
    for (const std::string message :
         {"{", "[1]", "null", "{}", R"({"/y":1})", R"({"/x":1,"/y":2})", R"({"/x":)",
          "{\"/x\":\"\xff\xfe\"}", R"({"/x":1} trailing)"}) {
        EXPECT_EQ(error_of_query([&](const Connection &client) {
                      (void)client.receive();
                      client.send(message);
                      client.await_close();
                  }),
                  EPROTO)
            << message;
    }
}

TEST_F(TelemetryClientTest, RefusesAnAnswerThatWasCutInTheMiddle) {
    EXPECT_EQ(error_of_query([](const Connection &client) {
                  (void)client.receive();
                  client.send(R"({"/x":[1,2,)");
              }),
              EPROTO);
}

TEST_F(TelemetryClientTest, RefusesAnswersLargerThanAnnounced) {
    EXPECT_EQ(error_of_query([](const Connection &client) {
                  (void)client.receive();
                  client.send(answer_to("/x", std::string(20000, 'a')));
                  client.await_close();
              }),
              EMSGSIZE);
}

TEST_F(TelemetryClientTest, SurvivesDeepNesting) {
    const std::string deep = R"({"/x":)" + std::string(16000, '[');
    EXPECT_EQ(error_of_query([&](const Connection &client) {
                  (void)client.receive();
                  client.send(deep);
                  client.await_close();
              }),
              EPROTO);
}

// A hanging application serves only ten connections, so each query must use the same one.
TEST_F(TelemetryClientTest, DropsALateAnswerAndKeepsTheConnection) {
    std::latch late(1);
    std::atomic<int> connections = 0;
    const FakeApplication application(path_, [&](const Connection &client) {
        ++connections;
        client.send(FakeApplication::greeting);
        const auto first = client.receive();
        late.wait();
        client.send(answer_to(first, "late"));
        for (auto command = client.receive(); !command.empty(); command = client.receive())
            client.send(answer_to(command, "in time"));
    });
    auto client = connect();
    ASSERT_TRUE(client);
    EXPECT_EQ(query(*client, "/x", soon).error().number, ETIMEDOUT);
    EXPECT_TRUE(client->connected());
    EXPECT_EQ(query(*client, "/x", soon).error().number, ETIMEDOUT) << "still hanging";
    late.count_down();
    EXPECT_EQ(query(*client, "/x"), json("in time"));
    EXPECT_EQ(query(*client, "/y"), json("in time"));
    EXPECT_EQ(connections, 1);
}

class RuntimeFolderTest : public testing::Test {
protected:
    [[nodiscard]] std::string socket(const std::string &prefix,
                                     const std::string &name = "dpdk_telemetry.v2") const {
        return folder_.path() / prefix / name;
    }
    static void ignore(const Connection & /*client*/) {}

    TemporaryFolder folder_;
};

TEST_F(RuntimeFolderTest, ListsTheSocketsOfApplications) {
    EXPECT_THAT(telemetry_sockets(folder_.path()), IsEmpty());
    EXPECT_THAT(telemetry_sockets(folder_.path() / "nowhere"), IsEmpty());
    const FakeApplication vpp(socket("vpp"), ignore);
    const FakeApplication rte(socket("rte"), ignore);
    const FakeApplication second(socket("rte", "dpdk_telemetry.v2:1"), ignore);
    const FakeApplication other(socket("rte", "mp_socket"), ignore);
    const FakeApplication newer(socket("rte", "dpdk_telemetry.v22"), ignore);
    std::filesystem::create_directory(folder_.path() / "empty");
    std::filesystem::create_directories(socket("folder"));
    std::ofstream(folder_.path() / "file") << "no folder";
    EXPECT_THAT(telemetry_sockets(folder_.path()),
                ElementsAre(TelemetrySocket{"rte", socket("rte")},
                            TelemetrySocket{"rte", socket("rte", "dpdk_telemetry.v2:1")},
                            TelemetrySocket{"vpp", socket("vpp")}));
}

TEST_F(RuntimeFolderTest, FollowsTheRuleOfEal) {
    ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1); // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(dpdk_runtime_folder(), ::getuid() == 0 ? "/var/run/dpdk" : "/run/user/7/dpdk");
}

TEST_F(RuntimeFolderTest, ConnectsToTheFirstOfAPrefixThatAccepts) {
    const auto deadline = steady_clock::now() + patience;
    EXPECT_EQ(connect_application(folder_.path(), "rte", deadline).error().number, ENOENT);
    const FakeApplication full(socket("rte"), ignore);
    EXPECT_EQ(connect_application(folder_.path(), "rte", deadline).error().number, ECONNRESET);
    const FakeApplication second(
        socket("rte", "dpdk_telemetry.v2:1"),
        FakeApplication::answering([](const auto &command) { return answer_to(command, 1); }));
    const auto client = connect_application(folder_.path(), "rte", deadline);
    EXPECT_TRUE(client) << client.error().message();
}

TEST_F(RuntimeFolderTest, RefusesAPrefixThatLeadsElsewhere) {
    for (const char *prefix : {"", ".", "..", "../rte", "a/b"})
        EXPECT_EQ(connect_application(folder_.path(), prefix, steady_clock::now()).error().number,
                  EINVAL)
            << prefix;
}

TEST(JsonFieldTest, GivesOnlyWhatIsOfTheKindAndFits) {
    const auto value = json::parse(
        R"({"s":"x","b":true,"n":-1,"u":300,"big":18446744073709551615,"f":1.5,"null":null})");
    EXPECT_EQ(json_field<std::string>(value, "s"), "x");
    EXPECT_EQ(json_field<std::string>(value, "b"), std::nullopt);
    EXPECT_EQ(json_field<bool>(value, "b"), true);
    EXPECT_EQ(json_field<bool>(value, "u"), std::nullopt);
    EXPECT_EQ(json_field<int>(value, "n"), -1);
    EXPECT_EQ(json_field<unsigned>(value, "n"), std::nullopt);
    EXPECT_EQ(json_field<std::uint8_t>(value, "u"), std::nullopt);
    EXPECT_EQ(json_field<std::uint16_t>(value, "u"), 300);
    EXPECT_EQ(json_field<std::int64_t>(value, "big"), std::nullopt);
    EXPECT_EQ(json_field<std::uint64_t>(value, "big"), UINT64_MAX);
    EXPECT_EQ(json_field<int>(value, "f"), std::nullopt);
    EXPECT_EQ(json_field<double>(value, "f"), 1.5);
    EXPECT_EQ(json_field<int>(value, "null"), std::nullopt);
    EXPECT_EQ(json_field<int>(value, "missing"), std::nullopt);
    EXPECT_EQ(json_field<int>(json::parse("[1]"), "s"), std::nullopt);
}

} // namespace
} // namespace netvsc
