"""Small stop-word lists, our own. Knows nothing about how they are applied.

Stop words here are words that carry next to no meaning of their own. Negations (not, no, never; 不, 没, 无, 别) and
words of degree (very, too; 很, 太) are left out on purpose: they turn or grade the meaning of a sentence.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENGLISH = _words(
    """
    a an the this that these those
    i me my mine myself we us our ours ourselves you your yours yourself yourselves
    he him his himself she her hers herself it its itself they them their theirs themselves
    am is are was were be been being have has had having do does did doing
    will would shall should can could may might must
    and or as if of at by for with about into to from in on then than so
    who whom whose which what there here
    """
)

# Words of one or several characters. Only the longest match at a place counts (see CHINESE_KEPT).
CHINESE = _words(
    """
    的 了 着 呢 吗 嘛 啊 呀 哦 嗯 啦 吧 和 与 及 或 而 且 也 就 都 是 在 把 被 从 向 于 之 其 这 那 我 你 他 她 它 您
    我们 你们 他们 她们 它们 咱们 自己 这个 那个 这些 那些 这里 那里 这样 那样 这种 那种 这是 那是
    以及 或者 并且 而且 而是 于是 就是 也是 都是 还是 正在 因为 所以 因此 如果 那么 虽然 为了 关于 对于 由于 之间
    """
)

# Words that hold a character of CHINESE but are no stop words. They match first and stay, so that 目的 keeps its 的.
CHINESE_KEPT = _words(
    """
    目的 的确 的士 标的 了解 了不起 明了 了结 不了 着急 着火 着重 着想 着手 着装 执着 沉着 睡着 吧台 酒吧 网吧 贴吧
    和平 和谐 和气 和睦 和尚 和解 和蔼 温和 柔和 缓和 饱和 总和 暖和 参与 与会 与其 与众不同 给与 及时 及格 涉及
    普及 来得及 来不及 或许 而已 反而 从而 然而 就业 就餐 就医 就诊 就座 成就 将就 都市 首都 成都 京都 大都
    是否 是非 总是 真是 不是 但是 可是 要是 实在 现在 存在 在线 在乎 在意 内在 外在 潜在 所在 把握 把手 把关 一把
    被子 被动 棉被 从来 从事 从容 服从 从前 向来 方向 向往 一向 倾向 向上 向下 终于 至于 善于 等于 属于 位于 在于 过于
    之前 之后 之一 之中 之外 之内 之下 之上 总之 其他 其它 其实 其中 其次 其余 尤其 极其 那么多 这么
    鉴于 自我 我国 吉他 他人 他乡 你好 您好 也许 呢喃 呢子 啊呀 哎呀
    """
)
