// A call reaches every thread, whatever it waits for, each once, and hurts none of them.
#include "scanner/process/thread_call.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace echoscan::thread_call_test {
namespace {

// Of a thread's own, as capabilities are.
thread_local int calls = 0;
std::atomic<int> failing_calls = 0;

int count_call() {
  ++calls;
  return 0;
}

int fail_once() {
  return failing_calls.fetch_add(1) == 2 ? EINVAL : 0;
}

// Threads that wait in different ways until they are let go, and then say how often they were
// called.
class ThreadCallTest : public testing::Test {
 protected:
  ThreadCallTest() {
    EXPECT_EQ(pipe(ends.data()), 0);
    begin([this] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return is_over.load(); });
    });
    begin([this] {
      char byte = 0;
      EXPECT_EQ(read(ends[0], &byte, 1), 0);
    });
    begin([this] { is_over.wait(false); });
    begin([this] {
      while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    begin([this] {
      // As the live senders do, which let one signal through.
      sigset_t blocked;
      sigfillset(&blocked);
      sigdelset(&blocked, kThreadCallSignal);
      pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
      while (!is_over) std::this_thread::yield();
    });
  }
  ~ThreadCallTest() override { let_go(); }

  template <typename Wait>
  void begin(const Wait& wait) {
    threads.emplace_back([this, wait] {
      ++waiting;
      wait();
      sum_of_calls += calls;
    });
    while (waiting.load() < threads.size()) std::this_thread::yield();
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex);
      if (is_over.exchange(true)) return;
    }
    is_over.notify_all();
    changed.notify_all();
    close(ends[1]);
    for (std::thread& thread : threads) thread.join();
    close(ends[0]);
  }

  std::array<int, 2> ends{};
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<bool> is_over = false;
  std::atomic<std::size_t> waiting = 0;
  std::atomic<int> sum_of_calls = 0;
  std::vector<std::thread> threads;
};

TEST_F(ThreadCallTest, EachThreadIsCalledOnce) {
  calls = 0;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(call_in_all_threads(count_call));
  let_go();
  EXPECT_EQ(calls, 20);
  EXPECT_EQ(sum_of_calls, 20 * 5);
}

// Threads that begin and end all the time: none of them is waited for in vain.
TEST_F(ThreadCallTest, ThreadsMayComeAndGo) {
  std::atomic<bool> is_enough = false;
  std::thread busy([&] {
    while (!is_enough) std::thread([] {}).join();
  });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(call_in_all_threads(count_call));
  is_enough = true;
  busy.join();
}

TEST_F(ThreadCallTest, OneThatFailsIsSaid) {
  const tl::expected<void, Refusal> called = call_in_all_threads(fail_once);
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error().error, EINVAL);
}

TEST_F(ThreadCallTest, AThreadThatBlocksTheSignalIsSaid) {
  std::atomic<bool> is_blocked = false;
  std::atomic<bool> is_enough = false;
  std::thread deaf([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    is_blocked = true;
    is_enough.wait(false);
  });
  while (!is_blocked) std::this_thread::yield();
  const tl::expected<void, Refusal> called = call_in_all_threads(count_call);
  is_enough = true;
  is_enough.notify_all();
  deaf.join();
  ASSERT_FALSE(called);
  EXPECT_NE(called.error().reason.find("does not answer"), std::string::npos)
      << called.error().reason;
}

// The handler that was there before is there again.
TEST_F(ThreadCallTest, TheSignalMeansWhatItMeantBefore) {
  ASSERT_TRUE(call_in_all_threads(count_call));
  struct sigaction now {};
  ASSERT_EQ(sigaction(kThreadCallSignal, nullptr, &now), 0);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace echoscan::thread_call_test
