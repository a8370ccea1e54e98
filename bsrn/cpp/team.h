// Threads that stay from one stage of a network to the next, and rows of a tile's columns.

#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

// Several threads, this one among them, that do numbered pieces of work; each has a Scratch of its own.
template <typename Scratch>
class Team {
 public:
  explicit Team(int threads) : scratch_(1) {
    for (int i = 1; i < threads; i++) {
      scratch_.emplace_back();
      try {
        others_.emplace_back([this, i] { serve(i); });
      } catch (const std::system_error&) {
        break;  // fewer do as well
      }
    }
  }
  ~Team() {
    start(nullptr);
    for (auto& other : others_) other.join();
  }
  int size() const { return int(others_.size()) + 1; }

  // Calls work(number, scratch) for the numbers below count, and returns when all is done.
  template <typename Work>
  void run(long count, const Work& work) {
    next_ = 0, busy_ = int(others_.size());
    const std::function<void(Scratch&)> all = [&](Scratch& own) {
      for (long number; (number = next_++) < count;) work(number, own);
    };
    start(&all);
    all(own(0));
    while (busy_) std::this_thread::yield();
  }

 private:
  static constexpr int SPINS = 2000;  // some microseconds: a stage mostly follows at once

  Scratch& own(int number) {
    if (!scratch_[number]) scratch_[number] = std::make_unique<Scratch>();
    return *scratch_[number];
  }
  void start(const std::function<void(Scratch&)>* job) {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      job_ = job;
      stage_++;
    }
    changed_.notify_all();
  }
  void serve(int number) {
    for (long seen = 0;;) {
      for (int i = 0; i < SPINS && stage_ == seen; i++) std::this_thread::yield();
      const std::function<void(Scratch&)>* job;
      {
        std::unique_lock<std::mutex> hold(mutex_);
        changed_.wait(hold, [&] { return stage_ != seen; });
        seen = stage_, job = job_;
      }
      if (!job) return;
      (*job)(own(number));
      busy_--;
    }
  }

  std::vector<std::unique_ptr<Scratch>> scratch_;  // complete before a thread starts that looks at its own
  std::vector<std::thread> others_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(Scratch&)>* job_ = nullptr;
  std::atomic<long> next_{0}, stage_{0};
  std::atomic<int> busy_{0};
};
