// SPDX-License-Identifier: MIT
#include "base/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace fakegpu::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Node : ListHook {
  explicit Node(int v) : value(v) {}
  int value;
};

template <typename L>
std::vector<int> values(const L& list) {
  std::vector<int> forward;
  for (auto* node = list.front(); node; node = list.next(*node)) forward.push_back(node->value);
  std::vector<int> backward;
  for (auto* node = list.back(); node; node = list.previous(*node))
    backward.insert(backward.begin(), node->value);
  EXPECT_EQ(forward, backward);
  return forward;
}

TEST(List, StartsEmpty) {
  List<Node> list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(List, SortsAndLeavesEqualOnesAsTheyAre) {
  for (int size : {0, 1, 2, 3, 7, 8, 100, 1000}) {
    List<Node> list;
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<int> expected;
    // Sorted by the tens of thousands; the rest tells in which order they came.
    for (int i = 0; i < size; ++i) {
      const int value = i * 37 % 11 * 10'000 + i;
      list.push_back(*nodes.emplace_back(std::make_unique<Node>(value)));
      expected.push_back(value);
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](int a, int b) { return a / 10'000 < b / 10'000; });
    list.sort([](const Node& a, const Node& b) { return a.value / 10'000 < b.value / 10'000; });
    EXPECT_EQ(values(list), expected);
  }
}

TEST(List, KeepsOrderAtBothEnds) {
  Node a(1), b(2), c(3);
  List<Node> list;
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_THAT(values(list), ElementsAre(1, 2, 3));
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_FALSE(a.linked());
  EXPECT_THAT(values(list), ElementsAre(2, 3));
}

TEST(List, DestroyingANodeTakesItOut) {
  Node a(1), c(3);
  List<Node> list;
  list.push_back(a);
  auto b = std::make_unique<Node>(2);
  list.push_back(*b);
  list.push_back(c);
  b.reset();
  EXPECT_THAT(values(list), ElementsAre(1, 3));
}

TEST(List, DestroyingTheListLeavesNodesUnlinked) {
  Node a(1), b(2);
  {
    List<Node> list;
    list.push_back(a);
    list.push_back(b);
  }
  EXPECT_FALSE(a.linked());
  EXPECT_FALSE(b.linked());
  List<Node> other;
  other.push_back(a);
  EXPECT_THAT(values(other), ElementsAre(1));
}

TEST(List, RemovingAnUnlinkedNodeDoesNothing) {
  Node a(1);
  List<Node>::remove(a);
  a.unlink();
  EXPECT_FALSE(a.linked());
}

TEST(List, SpliceMovesEverythingInOrder) {
  Node a(1), b(2), c(3), d(4);
  List<Node> to, from;
  to.push_back(a);
  from.push_back(b);
  from.push_back(c);
  to.splice_back(from);
  EXPECT_TRUE(from.empty());
  EXPECT_THAT(values(to), ElementsAre(1, 2, 3));
  to.splice_back(from);
  EXPECT_THAT(values(to), ElementsAre(1, 2, 3));
  from.push_back(d);
  EXPECT_THAT(values(from), ElementsAre(4));
  List<Node> empty;
  empty.splice_back(from);
  EXPECT_THAT(values(empty), ElementsAre(4));
  c.unlink();
  EXPECT_THAT(values(to), ElementsAre(1, 2));
}

struct QueueHook : ListHook {};
struct RunHook : ListHook {};
struct Job : QueueHook, RunHook {
  explicit Job(int v) : value(v) {}
  int value;
};

TEST(List, ANodeWithTwoHooksIsInTwoListsAtOnce) {
  List<Job, QueueHook> queue;
  List<Job, RunHook> running;
  {
    Job a(1), b(2);
    queue.push_back(a);
    queue.push_back(b);
    running.push_back(b);
    running.push_back(a);
    EXPECT_THAT(values(queue), ElementsAre(1, 2));
    EXPECT_THAT(values(running), ElementsAre(2, 1));
    queue.remove(a);
    EXPECT_THAT(values(queue), ElementsAre(2));
    EXPECT_THAT(values(running), ElementsAre(2, 1));
  }
  EXPECT_THAT(values(queue), IsEmpty());
  EXPECT_THAT(values(running), IsEmpty());
}

}  // namespace
}  // namespace fakegpu::base
