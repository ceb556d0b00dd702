/** Stands for an instance's process in ECS; the stage plays what it does. */
setInterval(() => {}, 2 ** 30);
