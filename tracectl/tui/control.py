"""What the screen does to the tracer: chosen from a menu, asked about, run as a command."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tracectl.tui.actions import Action, Outcome, actions_for, command_for_cpus, run_action
from tracectl.tui.dialogs import AskDialog, CpusDialog, MenuDialog

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp

_ERROR_S = 30.0


class Control:
    def __init__(self, app: ViewApp) -> None:
        self._app = app

    def choose(self) -> None:
        """From a menu of what can be done now."""
        situation = self._app.situation
        actions = actions_for(situation)
        if not actions:
            self._app.notify(situation.note or "nothing can be done", markup=False)
            return

        def ask(answer: str | None) -> None:
            if answer is not None:
                self._ask(actions[int(answer)])

        title = f"The tracer is {situation.state}. What shall be done?"
        self._app.push_screen(MenuDialog(title, actions), ask)

    def toggle_pause(self) -> None:
        for action in actions_for(self._app.situation):
            if action.command in ("pause", "resume"):
                self._ask(action)

    def _ask(self, action: Action) -> None:
        if action.is_of_cpus:
            self._ask_for_cpus(action)
        elif action.is_asked:
            dialog = AskDialog(action.title, "tracectl", action.command, action.warning)
            self._app.push_screen(dialog, self._act)
        else:
            self._act(action.command)

    def _ask_for_cpus(self, action: Action) -> None:
        situation = self._app.situation

        def go_on(answer: str | None) -> None:
            if answer is not None:
                command = command_for_cpus(situation, [int(cpu) for cpu in answer.split(",")])
                self._app.push_screen(AskDialog(action.title, "tracectl", command), self._act)

        dialog = CpusDialog(action.title, situation.online, situation.chosen)
        self._app.push_screen(dialog, go_on)

    def _act(self, command: str | None) -> None:
        if command is not None:
            self._app.notify(f"tracectl {command}", title="running", markup=False)
            self._app.run_worker(partial(self._run, command), thread=True)

    def _run(self, command: str) -> None:
        self._app.call_from_thread(self._tell, run_action(command))

    def _tell(self, outcome: Outcome) -> None:
        self._app.notify(
            outcome.message,
            title=f"tracectl {outcome.command}",
            severity="error" if outcome.exit_code else "information",
            timeout=_ERROR_S if outcome.exit_code else None,
            markup=False,
        )
        self._app.follower.look()
