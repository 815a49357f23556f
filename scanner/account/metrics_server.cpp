#include "scanner/account/metrics_server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "scanner/process/limits.h"
#include "scanner/process/user_error.h"

namespace echoscan {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Error = boost::system::error_code;
using Response = http::response<http::string_body>;

constexpr int kBacklog = 128;
constexpr const char* kPageType = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kTextType = "text/plain; charset=utf-8";

Response make_response(http::status status, std::string body, const char* type = kTextType) {
  Response response{status, 11};
  response.set(http::field::content_type, type);
  response.set(http::field::cache_control, "no-store");
  response.body() = std::move(body);
  response.keep_alive(false);
  response.prepare_payload();
  return response;
}

Response answer_to(const http::request<http::empty_body>& request, const std::string& page) {
  const std::string_view target(request.target().data(), request.target().size());
  const std::string_view path = target.substr(0, target.find('?'));
  if (path != "/metrics" && path != "/healthz")
    return make_response(http::status::not_found, "there are /metrics and /healthz\n");
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    Response response = make_response(http::status::method_not_allowed, "GET and HEAD alone\n");
    response.set(http::field::allow, "GET, HEAD");
    return response;
  }
  return path == "/healthz" ? make_response(http::status::ok, "ok\n")
                            : make_response(http::status::ok, page, kPageType);
}

// What is said to a request that could not be read; nothing to a peer that is gone or too slow.
std::optional<Response> answer_to(const Error& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return make_response(http::status::request_header_fields_too_large, "too long\n");
  if (error == http::error::body_limit || error == http::error::unexpected_body)
    return make_response(http::status::payload_too_large, "no body is read\n");
  const bool is_http =
      error.category() == http::make_error_code(http::error::bad_method).category();
  if (!is_http || error == http::error::end_of_stream || error == http::error::partial_message)
    return std::nullopt;
  return make_response(http::status::bad_request, "that is no HTTP request\n");
}

// One request and its answer.
struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {
    parser.header_limit(MetricsServer::kHeaderBytes);
    parser.body_limit(0);
    stream.expires_after(std::chrono::milliseconds(MetricsServer::kConnectionMs));
  }

  beast::tcp_stream stream;
  beast::flat_static_buffer<MetricsServer::kHeaderBytes> buffer;
  http::request_parser<http::empty_body> parser;
  Response response;
};

}  // namespace

// All but put() is the thread's.
struct MetricsServer::Server {
  Server(const tcp::endpoint& endpoint) : acceptor(context), pause(context) {
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(kBacklog);
    acceptor.non_blocking(true);
  }

  void run() noexcept;
  void accept();
  void accept_later();
  void serve(tcp::socket socket);
  void respond(const std::shared_ptr<Connection>& connection);
  void end(const std::shared_ptr<Connection>& connection);
  [[nodiscard]] std::string page() {
    const std::lock_guard lock(mutex);
    return newest;
  }

  asio::io_context context{1};
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::list<std::shared_ptr<Connection>> connections;  // the oldest first
  std::mutex mutex;
  std::string newest;  // mutex guards it
  std::thread thread;
};

// A handler that runs out of memory loses its connection and nothing else.
void MetricsServer::Server::run() noexcept {
  try {
    name_thread("metrics");
  } catch (const std::exception&) {
    // It has its process's name.
  }
  bool is_interrupted = false;
  while (!context.stopped()) {
    try {
      if (is_interrupted) accept_later();
      is_interrupted = false;
      context.run();
    } catch (const std::exception&) {
      is_interrupted = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(kAcceptMs));
    }
  }
}

void MetricsServer::Server::accept() {
  acceptor.async_accept([this](const Error& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    // Next first: whatever this one does.
    accept_later();
    if (!error) serve(std::move(socket));
  });
}

// So that neither many peers nor a lack of descriptors keep a CPU busy.
void MetricsServer::Server::accept_later() {
  pause.expires_after(std::chrono::milliseconds(kAcceptMs));
  pause.async_wait([this](const Error& error) {
    if (!error) accept();
  });
}

void MetricsServer::Server::serve(tcp::socket socket) {
  if (connections.size() == kConnectionsMax) end(std::shared_ptr(connections.front()));
  const auto connection = std::make_shared<Connection>(std::move(socket));
  connections.push_back(connection);
  http::async_read(connection->stream, connection->buffer, connection->parser,
                   [this, connection](const Error& error, std::size_t) {
                     std::optional<Response> response = error ? answer_to(error) : std::nullopt;
                     if (error && !response) return end(connection);
                     const bool is_head =
                         !error && connection->parser.get().method() == http::verb::head;
                     connection->response =
                         error ? std::move(*response) : answer_to(connection->parser.get(), page());
                     // It says how long the page is, and has none.
                     if (is_head) connection->response.body().clear();
                     respond(connection);
                   });
}

void MetricsServer::Server::respond(const std::shared_ptr<Connection>& connection) {
  http::async_write(connection->stream, connection->response,
                    [this, connection](const Error&, std::size_t) {
                      Error ignored;
                      connection->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
                      end(connection);
                    });
}

void MetricsServer::Server::end(const std::shared_ptr<Connection>& connection) {
  connection->stream.close();
  connections.remove(connection);
}

MetricsServer::MetricsServer(const std::string& address, std::uint16_t port) {
  try {
    server_ = std::make_unique<Server>(tcp::endpoint(asio::ip::make_address(address), port));
  } catch (const boost::system::system_error& error) {
    throw UserError(ExitCode::environment,
                    fmt::format("--metrics: cannot listen on port {} of {}: {}", port, address,
                                error.code().message()));
  }
  server_->accept();
  server_->thread = std::thread([server = server_.get()] { server->run(); });
}

MetricsServer::~MetricsServer() {
  server_->context.stop();
  server_->thread.join();
}

std::uint16_t MetricsServer::port() const {
  Error ignored;
  return server_->acceptor.local_endpoint(ignored).port();
}

void MetricsServer::put(std::string page) noexcept {
  const std::lock_guard lock(server_->mutex);
  server_->newest.swap(page);
}

}  // namespace echoscan
