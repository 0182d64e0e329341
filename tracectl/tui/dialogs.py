"""Questions above a screen: which action, with what command line, into which file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tracectl.render.strings import printable
from tracectl.tui.actions import Action
from tracectl.tui.field import Field
from tracectl.tui.sieve import WORDS


class Dialog(ModalScreen[str | None]):
    """Answers a text, or None when it was left."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical, Dialog > VerticalScroll { width: 78; max-width: 100%; height: auto;
        max-height: 100%; background: $panel; border: round $accent; padding: 0 1; }
    Dialog OptionList { border: none; height: auto; background: $panel; padding: 0; }
    Dialog Static { height: auto; }
    Dialog #warning { color: $text-warning; }
    Dialog #hint { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss_empty", "Cancel")]

    def action_dismiss_empty(self) -> None:
        self.dismiss(None)


class MenuDialog(Dialog):
    """Answers the number of the action, as text."""

    def __init__(self, title: str, actions: Sequence[Action]) -> None:
        super().__init__()
        self._title = title
        self._actions = actions

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Control"
            yield Static(printable(self._title), markup=False)
            yield OptionList(*(Option(_option(one)) for one in self._actions), compact=True)
            yield Static("Enter chooses, Escape leaves", id="hint")

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(str(message.option_index))


class AskDialog(Dialog):
    """Answers the line, which begins as ``value`` after ``prompt``."""

    def __init__(self, title: str, prompt: str, value: str, warning: str = "") -> None:
        super().__init__()
        self._title = title
        self._prompt = prompt
        self._value = value
        self._warning = warning

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            if self._warning:
                yield Static(printable(self._warning), id="warning", markup=False)
            yield Static(self._prompt, markup=False)
            yield Field(self._value, select_on_focus=False, compact=True)
            yield Static("Enter does it, Escape leaves", id="hint")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self.dismiss(message.value.strip() or None)


class CpusDialog(Dialog):
    """Answers the chosen of ``online``, as a list with commas. Textual's own list of choices tells
    them apart by colour alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", show=False, priority=True),
        Binding("enter", "answer", show=False, priority=True),
    ]

    def __init__(self, title: str, online: Sequence[int], chosen: Collection[int]) -> None:
        super().__init__()
        self._title = title
        self._online = online
        self._chosen = set(chosen)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            yield OptionList(*map(self._option, self._online), compact=True)
            yield Static("Space turns a CPU on or off; Enter goes on, Escape leaves", id="hint")

    def action_switch(self) -> None:
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        self._chosen ^= {self._online[at]}
        options.replace_option_prompt_at_index(at, self._option(self._online[at]))

    def action_answer(self) -> None:
        if self._chosen:
            self.dismiss(",".join(map(str, sorted(self._chosen))))
        else:
            self.notify("no CPU is left; 'Pause' turns off all", severity="error")

    def _option(self, cpu: int) -> Text:
        return Text(f"{'■' if cpu in self._chosen else '□'} CPU {cpu}")


class TextDialog(Dialog):
    """Shows ``lines``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "dismiss_empty", show=False)
    ]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = Text(printable(self._title))
            yield Static("\n".join(map(printable, self._lines)), markup=False)


def _option(action: Action) -> Text:
    text = Text(f"{action.title}\n", style="bold")
    text.append(f"  tracectl {printable(action.command)}", style="dim not bold")
    return text


KEYS = (
    "1 … 7         screens         Enter   opens the row    Escape  goes back",
    "Tab           next table      ↑ ↓ PgUp PgDn Home End, or the mouse",
    "o  O          next, previous column to sort by; or click on its title",
    "Space         sessions: holds the view; all goes on being counted",
    "c             control: start, stop, filter, snapshot    p  pause, resume",
    "e             exports what is seen as .csv, .json or .txt",
    "u             shows uevents of other devices among the calls",
    "t             processes as a tree, or flat",
    "/  f  n  N    events: filter, follow a thread, next and previous failure",
    "+ - , . 0     captures: a shorter, longer, earlier, later part; all",
    "Space  { }    captures: plays on from here, stops; slower, faster",
    "Ctrl-P        all commands, themes too       q  quits",
    "",
    "filter words, all of which have to hold:",
    *WORDS.split("\n"),
)
