// The server of the metrics, asked by peers of every kind: those that want an answer get it, and
// those that do not cost nothing that matters.
#include "scanner/account/metrics_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "scanner/process/file_descriptor.h"
#include "scanner/process/user_error.h"
#include "tests/sweep_step.h"

namespace echoscan::metrics_server_test {
namespace {

class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() {
    std::signal(SIGPIPE, SIG_IGN);
    server.put(page);
  }

  [[nodiscard]] FileDescriptor connected() const {
    FileDescriptor peer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};
    setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(connect(peer.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return peer;
  }
  static void say(const FileDescriptor& peer, const std::string& text) {
    [[maybe_unused]] const ssize_t sent = send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  // All that comes until the server ends the connection.
  static std::string listen_to(const FileDescriptor& peer) {
    std::string text;
    char bytes[4096];
    errno = 0;
    for (ssize_t count = 0; (count = recv(peer.get(), bytes, sizeof(bytes), 0)) > 0;)
      text.append(bytes, static_cast<std::size_t>(count));
    return text;
  }
  [[nodiscard]] std::string asked(const std::string& request) const {
    const FileDescriptor peer = connected();
    say(peer, request);
    return listen_to(peer);
  }
  static std::string status_of(const std::string& answer) { return answer.substr(0, 12); }
  static std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == answer.npos ? "" : answer.substr(end + 4);
  }
  void expect_well() const {
    const std::string answer = asked("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(answer), "HTTP/1.1 200") << answer;
    EXPECT_EQ(body_of(answer), page);
  }

  const std::string page = "# HELP a b\n# TYPE a gauge\na 1\n";
  MetricsServer server{"127.0.0.1", 0};
};

TEST_F(MetricsServerTest, AnswersWhatIsAsked) {
  expect_well();
  std::string answer = asked("GET /metrics?name=x HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(answer), page);
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), answer.npos);
  answer = asked("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
  EXPECT_NE(answer.find("Content-Length: " + std::to_string(page.size()) + "\r\n"), answer.npos);
  EXPECT_EQ(body_of(answer), "");
  EXPECT_EQ(body_of(asked("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")), "ok\n");
  for (const char* path :
       {"/", "/metric", "/metrics/", "/metrics/x", "*", "/healthz/..", "/%6detrics"})
    EXPECT_EQ(status_of(asked(std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n")),
              "HTTP/1.1 404")
        << path;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FOO"}) {
    answer = asked(std::string(method) + " /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(answer), "HTTP/1.1 405") << method << answer;
    EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), answer.npos) << method;
  }
  server.put("another\n");
  EXPECT_EQ(body_of(asked("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")), "another\n");
}

TEST_F(MetricsServerTest, RefusesWhatIsTooMuch) {
  EXPECT_EQ(status_of(asked("GET /metrics HTTP/1.1\r\nA: " + std::string(100'000, 'x'))),
            "HTTP/1.1 431");
  EXPECT_EQ(status_of(asked("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")),
            "HTTP/1.1 413");
  expect_well();
}

// Bytes of every kind, alone and behind a good beginning: an answer that says no, or none.
TEST_F(MetricsServerTest, GarbageIsNoRequest) {
  std::mt19937_64 random(1);
  const std::string good = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
  for (int i = 0; i < 300; ++i) {
    std::string request = good.substr(0, random() % 2 == 0 ? 0 : random() % good.size());
    for (std::uint64_t bytes = random() % 100; bytes > 0; --bytes)
      request += static_cast<char>(random());
    const FileDescriptor peer = connected();
    say(peer, request);
    shutdown(peer.get(), SHUT_WR);
    const std::string answer = listen_to(peer);
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << answer;
  }
  expect_well();
}

// Many times more than there may be, that say nothing, or half of it, or ask and take nothing: who
// wants an answer gets one meanwhile.
TEST_F(MetricsServerTest, PeersThatDoNothingKeepNobodyOut) {
  std::vector<FileDescriptor> peers;
  for (int i = 0; i < 4 * MetricsServer::kConnectionsMax; ++i) {
    peers.push_back(connected());
    if (i % 3 == 1) say(peers.back(), "GET /metr");
    if (i % 3 == 2) say(peers.back(), "GET /metrics HTTP/1.1\r\n\r\n");
    if (i % 8 == 7) expect_well();
  }
  expect_well();
}

// A peer that says nothing is closed when its time is over, though nobody else needs its place.
TEST_F(MetricsServerTest, ASilentPeerIsNotWaitedForLong) {
  const FileDescriptor silent = connected();
  const FileDescriptor slow = connected();
  say(slow, "GET /metrics HTTP/1.1\r\n");
  EXPECT_EQ(listen_to(silent), "");
  EXPECT_EQ(errno, 0);
  EXPECT_EQ(listen_to(slow), "");
  EXPECT_EQ(errno, 0);
}

// Longer than the kernel's buffers hold, and nobody takes it: the server ends all the same.
TEST(MetricsServer, EndsAtOnceWhateverItsPeersDo) {
  for (int i = 0; i < 20; i += kSweepStep) {
    MetricsServer server("127.0.0.1", 0);
    server.put(std::string(16'000'000, 'x'));
    std::vector<FileDescriptor> peers;
    for (int peer = 0; peer < 5; ++peer) {
      peers.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(server.port());
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ASSERT_EQ(connect(peers.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)),
                0);
      const std::string request = "GET /metrics HTTP/1.1\r\n\r\n";
      ASSERT_EQ(send(peers.back().get(), request.data(), request.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(request.size()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
  }
}

TEST(MetricsServer, APortInUseIsAnError) {
  const MetricsServer first("127.0.0.1", 0);
  const auto refusal = [](const std::string& address, std::uint16_t port) {
    try {
      const MetricsServer server(address, port);
    } catch (const UserError& error) {
      EXPECT_EQ(error.code(), ExitCode::environment);
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_NE(refusal("127.0.0.1", first.port()).find("Address already in use"), std::string::npos);
  EXPECT_NE(refusal("192.0.2.77", 0).find("Cannot assign requested address"), std::string::npos);
}

}  // namespace
}  // namespace echoscan::metrics_server_test
